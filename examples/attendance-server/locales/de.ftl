# The German messages.

## General

product = Anwesenheit
language-name = Deutsch
language = Sprache
skip = Zum Inhalt springen
actions = Aktionen
cancel = Abbrechen
continue = Weiter
save = Speichern
show = Anzeigen
copy = Kopieren
copy-this = Diesen Text kopieren
undo = Rückgängig
undo-reason = Auf der Seite rückgängig gemacht
undone = Rückgängig gemacht
look = Ansehen
filter = Filter
older = Ältere
next-page = Nächste Seite
as-table = Als Tabelle zeigen
export = Exportieren
export-csv = Als CSV exportieren
optional = (freiwillig)
count = Anzahl
reason = Grund
line = Zeile
time = Zeit
date = Datum
day = Tag
month = Monat
now = Jetzt
then = Dann
name = Name
number = Nummer
number-short = Nr.
number-hint = Die Personalnummer. Sie ist eindeutig.
mail = E-Mail-Adresse
mail-hint = Damit melden Sie sich an.
site = Standort
sites = Standorte
all-sites = Alle Standorte
role = Rolle
state = Zustand
token = Zugriffsschlüssel
hours = Stunden
request-id = Anfrage { $id }
to-start = Zur Startseite
form-refused = Ein Feld braucht eine Änderung

## Navigation

nav-main = Hauptnavigation
nav-short = Kurznavigation
nav-more = Mehr
nav-open = offen
nav-mine = Eigenes
nav-manage = Verwaltung
nav-trust = Vertrauen
theme-toggle = Hell und dunkel wechseln
sign-out = Abmelden
role-admin = Administration
role-manager = Leitung
role-member = Mitglied
role-auditor = Revision
role-device = Gerät

## Dates

date-long = { $weekday }, { $day }. { $month } { $year }
date-whole = { $day }. { $month } { $year }
date-short = { $weekday }, { $day }. { $month }
date-day-month = { $day }. { $month }
date-month-year = { $month } { $year }
date-and-time = { $date }, { $time }
since = seit { $time }
month-1 = Januar
month-2 = Februar
month-3 = März
month-4 = April
month-5 = Mai
month-6 = Juni
month-7 = Juli
month-8 = August
month-9 = September
month-10 = Oktober
month-11 = November
month-12 = Dezember
month-short-1 = Jan
month-short-2 = Feb
month-short-3 = Mär
month-short-4 = Apr
month-short-5 = Mai
month-short-6 = Jun
month-short-7 = Jul
month-short-8 = Aug
month-short-9 = Sep
month-short-10 = Okt
month-short-11 = Nov
month-short-12 = Dez
weekday-1 = Montag
weekday-2 = Dienstag
weekday-3 = Mittwoch
weekday-4 = Donnerstag
weekday-5 = Freitag
weekday-6 = Samstag
weekday-7 = Sonntag
weekday-short-1 = Mo
weekday-short-2 = Di
weekday-short-3 = Mi
weekday-short-4 = Do
weekday-short-5 = Fr
weekday-short-6 = Sa
weekday-short-7 = So

## Statuses

status = Status
status-in = Anwesend
status-out = Gegangen
status-in-time = Pünktlich
status-present = Anwesend
status-half-day = Halber Tag
status-late = Verspätet
status-late-by = { $minutes } min zu spät
status-late-by-hours = { $hours } h zu spät
status-absent = Abwesend
status-not-here = Noch nicht da
status-expected = Erwartet
status-incomplete = Unvollständig
status-on-leave = Im Urlaub
status-free = Frei
status-not-employed = Nicht beschäftigt
in = Kommen
out = Gehen
direction = Richtung
direction-unknown = Kommen oder gehen

## Today

today = Heute
today-now = Jetzt gerade
in-now = Jetzt anwesend
of-expected = von { $count }
alarms = Warnungen
alarms-none = Nichts zu tun
alarms-more = { $count ->
    [one] Eine weitere Warnung
   *[other] { $count } weitere Warnungen
}
arrivals = Ankünfte
arrivals-label = { $count ->
    [one] Ankünfte je Viertelstunde: 1 Person
   *[other] Ankünfte je Viertelstunde: { $count } Personen
}
arrivals-none = Noch ist niemand gekommen.
arrivals-now = jetzt
events = Ereignisse
events-updated = Alle 30 s
events-none = Noch keine Ereignisse
events-none-hint = Hier steht, wer kommt und geht.
live = Live
live-intro = Die Kameras an den Türen, wie sie jetzt sind. Namen stehen nur auf dieser Seite; Bilder werden nicht aufbewahrt.
live-no-script = Bilder brauchen JavaScript. Die Listen gehen auch ohne; laden Sie die Seite neu, um Neues zu sehen.
live-none = Keine Kameras
live-none-hint = Koppeln Sie ein Tablet oder eine Kamera. Dann ist das Bild hier.
live-no-picture = Kein Bild
live-last-seen = Zuletzt gesehen: { $time }
live-never-seen = Es hat noch nie etwas gesendet
live-nobody = Niemand im Bild
live-full = { $name } auf dem ganzen Bildschirm
live-columns = Bilder nebeneinander
live-boxes = Rahmen
live-box-known = Erkannt
live-box-unknown = Unbekannt
live-box-unclear = Nicht deutlich genug
live-box-spoof = Ausdruck oder Bildschirm
live-several = Mehrere Personen
live-closer = Zu weit weg
live-back = Zu nah
live-center = Neben der Mitte
live-turn = Abgewandt
live-light = Zu dunkel oder zu hell
live-hold = Schaut hin
live-checking = Wird geprüft
live-in = gekommen
live-out = gegangen
live-duplicate = schon erfasst
live-refused = Nicht erfasst
live-unknown = Nicht erkannt
live-spoof = Kein echtes Gesicht
live-codes = Nur PIN oder QR-Code
live-no-faces = Nur PIN oder QR-Code
event-in = ist gekommen
event-out = ist gegangen
event-refused = wurde abgelehnt
event-seen = wurde erfasst
no-pictures = Hier werden keine Bilder gespeichert
day-whole = Der ganze Tag
first-in = Gekommen
hours-today = Stunden heute
share-of-day = Anteil am Tag
nobody-here = Niemand in der Liste
nobody-yet = Fügen Sie die Personen hinzu, deren Zeit Sie erfassen.
nobody-found = Niemand passt zu Suche und Filter.
mark = Erfassen
mark-by-hand = Von Hand erfassen
mark-hint = Für Personen, deren Buchung fehlt. Der Eintrag hat Ihren Namen und einen Grund.
mark-whom = Wessen Buchung fehlt?
mark-for = { $name }, { $date }
mark-choose = Person auswählen
mark-none = Niemand hat diesen Namen oder diese Nummer.
alarm-incomplete = { $count ->
    [one] An einem Tag fehlt das Gehen
   *[other] An { $count } Tagen fehlt das Gehen
}
alarm-incomplete-text = Die Stunden zählen, sobald das Gehen ergänzt ist.
alarm-device = { $name } meldet sich nicht
alarm-device-text = Letzte Meldung: { $time }
alarm-device-never = Es hat noch nichts gemeldet.
alarm-open-review = Prüfung öffnen
alarm-open-devices = Geräte öffnen

## Day

day-intro = Die Tage aller Personen an diesem Datum.
day-before = Tag davor
day-after = Tag danach
day-empty = Keine Einträge
day-locked = Der Zeitraum ist abgeschlossen
day-not-final = Der Tag ist noch nicht abgeschlossen
day-chart-empty = An diesem Tag war niemand da
day-chart-label = Anwesend { $spans }
day-chart-span = von { $from } bis { $to }
day-chart-expected = Erwartet { $from } bis { $to }
first = Erste
last = Letzte
counted = Gezählt
expected = Soll
balance = Saldo

## People

people = Personen
badges = Ausweise
badges-intro = Ein Ausweis hat einen QR-Code für die Türen. Wählen Sie aus, wer einen neuen bekommt: Der alte gilt dann nicht mehr.
badges-nobody = Wählen Sie jemanden aus.
badges-more = Es gibt mehr Personen. Suchen Sie nach einem Namen oder einer Nummer.
badges-make = Ausweise erstellen
badges-print = Ausweise drucken
badges-once = Drucken Sie sie jetzt: Die Codes werden einmal gezeigt. Ein neuer Ausweis ersetzt diesen.
badge-new = Neuer Ausweis
badge-qr = QR-Code des Ausweises
people-intro = Alle, deren Zeit erfasst wird.
people-all = Alle Personen
people-count = { $count ->
    [one] 1 Person
   *[other] { $count } Personen
}
people-shown = { $count ->
    [one] die erste ist zu sehen
   *[other] die ersten { $count } sind zu sehen
}
find-person = Person suchen
person-add = Person hinzufügen
person-add-intro = Name und Nummer genügen. Gesichtsdaten kommen später, mit Einwilligung.
person-active = Aktiv
person-left = Ausgeschieden
person-inactive = Diese Person ist inaktiv
person-inactive-text = Buchungen werden abgelehnt. Die Einträge bleiben, bis sie gelöscht werden.
joined = Eintritt
joined-on = seit { $date }
import = Importieren
import-title = Personen importieren
import-intro = Aus einer CSV-Datei. Eine Person mit gleicher Nummer wird aktualisiert.
import-file = CSV-Datei
import-file-hint = Die erste Zeile nennt die Spalten: number, name und, wenn gewünscht, mail, site, joined und left.
import-partial = Die anderen Zeilen importieren, wenn einige abgelehnt werden
import-nothing = Nichts wurde importiert. Korrigieren Sie die Datei oder importieren Sie die anderen Zeilen.
import-unknown-columns = Nicht benutzte Spalten: { $columns }
import-refused = Die Datei wurde abgelehnt
import-report = Bericht
import-added = hinzugefügt
import-updated = aktualisiert
import-unchanged = unverändert
import-lines-refused = { $count ->
    [one] Eine Zeile wurde abgelehnt
   *[other] { $count } Zeilen wurden abgelehnt
}

## Person

year = Das Jahr
year-label = Status jedes Tages vom { $from } bis { $to }. Die Zahlen stehen in der Tabelle darunter.
year-scroll = Das Jahr, seitlich verschiebbar
year-table = Das Jahr als Tabelle
year-present = anwesend, { $hours }
year-late = verspätet, { $hours }
year-legend-present = Anwesend, weniger bis mehr Stunden
worked-and-break = { $worked } gezählt, { $pause } Pause
punches-none = An diesem Tag gibt es keine Buchungen.
punches-none-today = Heute gibt es keine Buchungen.
punches-today = Buchungen heute
punch-not-counted = nicht gezählt
punch-change = { $time } korrigieren
punch-remove = Entfernen
punch-repeat = Wiederholung
punch-refused = Abgelehnt
punch-corrected = Korrigiert
punch-replaced = Durch eine Korrektur ersetzt
punch-repeat-note = Wiederholt innerhalb von { $seconds } s
punch-by-face = per Gesicht
punch-by-hand = von Hand
punch-by-code = per PIN oder QR-Code
punch-by-import = importiert
punch-automatic = automatisch
corrections = Korrekturen
corrections-intro = Nichts wird überschrieben. Rückgängig fügt eine eigene Korrektur hinzu.
corrections-none = Es gibt keine Korrekturen.
corrections-older = Ältere Korrekturen stehen im Protokoll.
correction-no-punch = keine Buchung
correction-punch = eine Buchung
correction-removed = entfernt
correction-by = „{ $reason }“ { $by }
reason-hint = Er bleibt beim Eintrag, und die Person kann ihn lesen.
details = Angaben
other-ways = PIN
other-ways-hint = PIN und QR-Code funktionieren an jedem Gerät, auch ohne Gesichtsdaten.
pin-new = Neue PIN erzeugen
pin-is = Die neue PIN von { $name } ist { $pin }. Sie wird einmal gezeigt.
deactivate = Deaktivieren
activate = Aktivieren
deactivate-text = Eine inaktive Person kann nicht buchen. Die Einträge bleiben, und Sie können es rückgängig machen.
figure-now = Jetzt
figure-hours = Stunden im { $month }
figure-target = Soll { $hours }
figure-balance = Saldo
figure-of-days = { $count ->
    [one] von 1 Tag
   *[other] von { $count } Tagen
}
figure-average = { $minutes } min im Mittel
figure-in-year = Im letzten Jahr
figure-out = Nicht da
figure-none = Keine
figure-last-seen = Letzte Buchung { $time }

## Devices

devices = Geräte
devices-intro = Jedes Gerät hat einen eigenen Zugriffsschlüssel, der nur Buchungen erfasst.
devices-all = Alle Geräte
devices-count = { $count ->
    [one] 1 Gerät
   *[other] { $count } Geräte
}
devices-none = Noch kein Gerät
devices-none-hint = Koppeln Sie ein Tablet an der Tür oder ein Terminal, das Buchungen sendet.
device = Gerät
device-name = Name des Geräts
device-name-hint = Wo es steht, etwa „Haupteingang“.
device-example = Haupteingang
device-pair = Gerät koppeln
device-pair-hint = Sie erhalten einen Zugriffsschlüssel für das Gerät. Er wird einmal gezeigt.
device-working = In Betrieb
device-silent = Still
device-waiting = Noch nie gesehen
device-withdrawn = Entzogen
device-withdraw-named = Zugriffsschlüssel von { $name } entziehen
device-renew-named = Zugriffsschlüssel von { $name } erneuern
last-seen = Zuletzt gesehen
never = Nie
withdraw = Entziehen
renew = Erneuern
token-once = Er wird einmal gezeigt. Kopieren Sie ihn jetzt auf das Gerät.

## Policy

policy = Regeln
policy-of = Regeln von { $site }
policy-since = { $date }, jetzt in Kraft. Eine Änderung beginnt an einem Datum und ändert nie einen abgeschlossenen Zeitraum.
policy-from = Ab { $date }
policy-always = Von Anfang an
policy-keep = Wie im Text der Regeln
policy-remove = Diese Schicht entfernen
policy-shift-named = Schicht { $name }
policy-shift-new = Schicht hinzufügen
policy-start = Beginn
policy-starts-on = Beginnt am
policy-starts-hint = Tage ab diesem Datum werden neu ausgewertet.
policy-apply = { $count ->
    [0] Anwenden, kein Tag ändert sich
    [one] Auf einen Tag anwenden
   *[other] Auf { $count } Tage anwenden
}
policy-text = Alle Einstellungen als Text
policy-text-label = Regeln in TOML
policy-text-hint = Hier stehen Einstellungen, die das Formular nicht hat. Das Formular behält sie.
in-force = In Kraft
dry-run = Probelauf
dry-run-now = Ausprobieren
dry-again = Erneut ausprobieren
dry-nothing-saved = Nichts wird gespeichert
dry-hint = Sehen Sie vor dem Anwenden, welche Tage eine Änderung ändern würde.
dry-people = { $count ->
    [one] von 1 Person ändern sich
   *[other] von { $count } Personen ändern sich
}
days-count = { $count ->
    [one] 1 Tag
   *[other] { $count } Tage
}
discard = Verwerfen
history = Verlauf
policy-site = Arbeitswoche
policy-site-time-zone = Zeitzone
policy-site-time-zone-hint = Ihr Name in der IANA-Datenbank, etwa Europe/Berlin.
policy-site-week-starts = Erster Tag der Woche
policy-site-working-days = Arbeitstage
policy-shifts = Schichten
policy-shift-name = Name
policy-shift-start = Beginnt
policy-shift-end = Endet
policy-shift-overnight = Endet am nächsten Tag
policy-shift-flexible = Gleitzeit: niemand ist zu spät
policy-shift-expected = Sollzeit
policy-shift-expected-hint = Leer: von Beginn bis Ende ohne Pausen. Zum Beispiel 8h.
policy-shift-late-after = Zu spät nach
policy-shift-late-after-hint = Zeit nach dem Beginn, die noch als pünktlich zählt. Zum Beispiel 10m.
policy-shift-early-before = Zu früh gegangen vor
policy-shift-early-before-hint = Zeit vor dem Ende, die nicht als zu früh gegangen zählt.
policy-shift-margin-before = Gehört vor Beginn zur Schicht
policy-shift-margin-after = Gehört nach Ende zur Schicht
policy-work = Zeit zählen
policy-work-expected = Sollzeit eines Tages ohne Schichten
policy-work-expected-weekly = Sollzeit einer Woche
policy-work-full-day = Ein ganzer Tag ab
policy-work-full-day-hint = Leer: drei Viertel der Sollzeit.
policy-work-half-day = Ein halber Tag ab
policy-work-tolerance = Fehlzeit, die nicht zählt
policy-work-count = Zeit zählt
policy-work-before-start = Zeit vor Beginn zählt
policy-work-after-end = Zeit nach Ende zählt
policy-scans = An der Tür
policy-scans-cooldown = Wiederholt innerhalb von
policy-scans-cooldown-hint = Eine zweite Buchung in dieser Zeit zählt nicht.
policy-scans-shortest-stay = Kürzester Aufenthalt
policy-scans-shortest-stay-hint = Eine Buchung in dieser Zeit nach dem Kommen ist kein Gehen.
policy-scans-members-only = Nur Personen des Standorts
policy-assignment = Vergessenes Gehen und lange Aufenthalte
policy-assignment-missing-out = Ein Tag ohne Gehen
policy-assignment-longest-shift = Längster Aufenthalt
policy-assignment-new-shift-after = Neue Schicht nach einer Pause von
policy-assignment-outside-windows = Eine Buchung außerhalb aller Schichten
policy-assignment-day = Eine Nachtschicht gehört zu
policy-overtime = Überstunden
policy-overtime-weekly-after = In einer Woche ab
policy-overtime-at-most-daily = Höchstens an einem Tag
policy-overtime-rest-days = Alle Arbeit an freien Tagen
policy-overtime-holidays = Alle Arbeit an Feiertagen
policy-anomalies = Hinweise
policy-anomalies-long-work = Ein Tag länger als
policy-anomalies-short-rest = Eine Ruhezeit kürzer als
policy-choice-count-pairs = Von jedem Kommen bis zum nächsten Gehen
policy-choice-count-first-in-last-out = Vom ersten Kommen bis zum letzten Gehen
policy-choice-count-first-to-last = Von der ersten bis zur letzten Buchung
policy-choice-missing-out-open = Bleibt unvollständig, bis er korrigiert ist
policy-choice-missing-out-at-shift-end = Wird zum Ende der Schicht geschlossen
policy-choice-missing-out-refuse = Zählt nicht, bis er korrigiert ist
policy-choice-outside-windows-refuse = Wird abgelehnt
policy-choice-outside-windows-unscheduled = Zählt ohne Schicht
policy-choice-day-start = dem Tag, an dem sie beginnt
policy-choice-day-end = dem Tag, an dem sie endet
policy-choice-day-most-worked = dem Tag mit der meisten Arbeit
policy-choice-day-split-at-midnight = beiden, um Mitternacht geteilt

## Review

review = Prüfung
review-intro = { $count ->
    [0] Nichts wartet auf Sie.
    [one] Ein Tag wartet auf Sie.
   *[other] { $count } Tage warten auf Sie.
}
review-none = Nichts zu prüfen
review-none-hint = Hier stehen Tage mit fehlenden oder ungewöhnlichen Buchungen.
review-queue = Zu prüfende Tage
review-hint = Eine Korrektur klärt den Tag. Die ursprünglichen Buchungen bleiben.
review-correct = Diesen Tag korrigieren
review-all = Alle
review-incomplete = Unvollständig
review-unusual = Ungewöhnlich
review-no-out = Gehen fehlt

## Audit

audit = Protokoll
audit-intro = Jede Änderung, von wem und wann.
audit-verify = Kette prüfen
audit-valid = Die Kette ist gültig
audit-valid-text = Kein Eintrag wurde geändert oder entfernt.
audit-broken = Die Kette ist unterbrochen
audit-broken-text = Ein Eintrag wurde außerhalb dieses Programms geändert oder entfernt.
audit-entries = Einträge
audit-action = Änderung
audit-subject = Betrifft
audit-actor = Von
audit-newest = Die neuesten Einträge zuerst
actor-operator = Betrieb der Maschine
actor-token = API-Zugriffsschlüssel
actor-device = Gerät
actor-account = Konto

## Data protection

privacy = Datenschutz
privacy-intro = Was über Personen gespeichert ist und wer es lesen kann.
privacy-kept = Was gespeichert ist
privacy-records = Einträge
privacy-readers = Wer lesen kann
privacy-readers-hint = Mitglieder lesen nur ihre eigenen Einträge.
privacy-rights = Anfragen von Personen
privacy-rights-text = Jede Person kann unter Meine Daten ihre Einträge lesen und exportieren. Sie können sie auf der Seite der Person exportieren.
privacy-choose = Person auswählen
kept-people = Personen
kept-people-hint = Nummer, Name, E-Mail-Adresse, Standort, Eintritt und Austritt.
kept-sightings = Erfassungen
kept-sightings-hint = Was Geräte gemeldet haben: Zeit, Gerät und Antwort. Keine Bilder.
kept-punches = Buchungen
kept-punches-hint = Die Zeiten von Kommen und Gehen.
kept-corrections = Korrekturen
kept-corrections-hint = Wer was wann und warum geändert hat.
kept-days = Tage
kept-days-hint = Abgeleitet aus Buchungen, Korrekturen und Regeln.
kept-audit = Protokolleinträge
kept-audit-hint = Jede Änderung, in einer Kette von Prüfsummen.
accounts-count = { $count ->
    [one] 1 Konto
   *[other] { $count } Konten
}

## Settings

settings = Einstellungen
settings-look = Sprache und Aussehen
theme = Farben
theme-system = Wie das System
theme-light = Hell
theme-dark = Dunkel
site-add = Standort hinzufügen
site-name = Name des Standorts
time-zone = Zeitzone
rules = Regeln zum Beginnen
locked-through = abgeschlossen bis { $date }
lock = Zeitraum abschließen
lock-site = Zeitraum von { $name } abschließen
lock-hint = Buchungen und Korrekturen bis zu diesem Tag werden danach abgelehnt.
lock-through = Bis einschließlich
accounts = Konten
account-invite = Jemanden einladen
account-invite-hint = Sie erhalten einen Link, mit dem die Person ein Passwort wählt.
account-sees = Sieht
account-active = Aktiv
account-invited = Eingeladen
account-disabled = Gesperrt
account-disable-named = Konto von { $name } sperren
account-enable-named = Konto von { $name } freigeben
disable = Sperren
enable = Freigeben
secret-once = Dies wird einmal gezeigt
secret-invitation = Senden Sie der Person diesen Link. Er gilt einmal.
secret-token = Geben Sie diesen Zugriffsschlüssel dem Programm, das die API nutzt.
tokens = API-Zugriffsschlüssel
tokens-none = Programme brauchen einen Zugriffsschlüssel, um die API zu nutzen.
token-add = Zugriffsschlüssel erzeugen
token-hint = Jedes Programm hat einen eigenen, damit Sie ihn widerrufen können.
token-label = Wofür ist er?
token-revoke-named = { $name } widerrufen
token-used = benutzt { $date }
token-unused = noch nicht benutzt
revoke = Widerrufen
api-docs = Dokumentation der API

## Sign-in

sign-in = Anmelden
password = Passwort
password-new = Neues Passwort
password-hint = Mindestens { $least } Zeichen. Ein Satz ist gut.
sign-in-refused = E-Mail-Adresse und Passwort passen nicht zusammen.
sign-in-limited = Zu viele Versuche. Warten Sie eine Minute und versuchen Sie es dann noch einmal.
sign-in-forgotten = Passwort vergessen? Die Administration kann Ihnen einen neuen Link senden.
sign-in-invitation = Eingeladen? Öffnen Sie den Link der Einladung.
invitation = Willkommen
invitation-text = Wählen Sie ein Passwort für Ihr Konto.
two-step = Anmeldung in zwei Schritten
two-step-intro = Nach dem Passwort ein Code Ihres Telefons. Wer nur das Passwort kennt, kann sich nicht anmelden.
two-step-set-up = Einrichten
two-step-change = Ändern
two-step-is-on = Ein
two-step-is-off = Aus
two-step-app = Sie brauchen auf Ihrem Telefon eine App für solche Codes: eine Authenticator-App oder einen Passwortmanager.
two-step-password-hint = Noch einmal, damit niemand anderes sie einschaltet.
two-step-begin = QR-Code zeigen
two-step-scan = 1. Konto in der App hinzufügen
two-step-scan-text = Scannen Sie den QR-Code mit der App, oder tippen Sie den Schlüssel ab.
two-step-qr = QR-Code für die Authenticator-App
two-step-secret = Schlüssel
two-step-first = 2. Code der App eingeben
two-step-first-hint = Alle 30 Sekunden erscheint ein neuer Code. Ihre anderen Sitzungen enden.
two-step-digits = Code aus sechs Ziffern
two-step-switch-on = Einschalten
two-step-codes = Bewahren Sie diese Ersatzcodes auf
two-step-codes-text = Die Anmeldung in zwei Schritten ist eingeschaltet. Wenn Sie das Telefon verlieren, gilt jeder dieser Codes einmal an seiner Stelle. Sie werden nie wieder gezeigt.
two-step-kept = Ich habe sie aufbewahrt
two-step-since = Eingeschaltet seit { $date }.
two-step-codes-left = { $count ->
    [0] Kein Ersatzcode ist übrig.
    [one] Ein Ersatzcode ist übrig.
   *[other] { $count } Ersatzcodes sind übrig.
 }
two-step-codes-few = Es sind wenige Ersatzcodes übrig. Schalten Sie die Anmeldung in zwei Schritten aus und wieder ein, um neue zu erhalten.
two-step-switch-off = Ausschalten
two-step-off-text = Geben Sie Ihr Passwort oder einen Code ein. Danach genügt das Passwort zum Anmelden.
two-step-or-code = Oder ein Code
two-step-code = Code der App oder Ersatzcode
two-step-code-text = Ihr Konto braucht nach dem Passwort einen Code.
two-step-lost = Telefon verloren? Benutzen Sie einen Ersatzcode. Die Administration kann die Anmeldung in zwei Schritten auch für Sie ausschalten.
two-step-other-account = Mit einem anderen Konto anmelden
two-step-reset = Zweiten Schritt zurücksetzen
two-step-reset-named = Zweiten Schritt von { $name } zurücksetzen
two-step-reset-text = Für jemanden ohne Telefon und Ersatzcodes. Danach genügt das Passwort zum Anmelden, und alle Sitzungen des Kontos enden. Prüfen Sie, dass wirklich diese Person darum bittet.

## Wizard

setup-steps = Schritte
setup-first = Erster Start
setup-progress = Schritt { $step } von 4
setup-skip = Später
setup-rules = Regeln zum Beginnen
setup-organisation = Organisation
setup-organisation-hint = Ihr Konto, ein Standort und seine Regeln
setup-organisation-title = Wer sind Sie?
setup-organisation-text = Sie übernehmen die Administration. Alles hier lässt sich später ändern.
setup-site-title = Wo und wann wird gearbeitet?
setup-device = Erstes Gerät
setup-device-hint = Ein Tablet oder ein Terminal
setup-device-title = Wo wird gebucht?
setup-device-text = Das Gerät erhält einen Zugriffsschlüssel, der am Ende gezeigt wird.
setup-person = Erste Person
setup-person-hint = Name und Nummer
setup-person-title = Wer arbeitet hier?
setup-person-text = Fügen Sie jetzt eine Person hinzu. Eine ganze Liste können Sie später importieren.
setup-ready = Fertig
setup-ready-hint = Die Seiten öffnen
setup-ready-title = Alles ist bereit
setup-ready-text = Alles lässt sich unter Einstellungen und Regeln ändern.
setup-device-token = Zugriffsschlüssel des Geräts
setup-open = Heute öffnen
organisation = Name der Organisation
your-name = Ihr Name
time-zone-hint = Zum Beispiel Europe/Berlin.
preset-nine-to-five = Büro, feste Zeiten
preset-nine-to-five-hint = Eine Schicht an Arbeitstagen, fünf Minuten Kulanz, eine Mittagspause und halbe Tage.
preset-flexitime = Gleitzeit
preset-flexitime-hint = Acht Stunden an Arbeitstagen, zu beliebiger Zeit. Niemand ist zu spät.
preset-flexitime-weekly = Wochenstunden
preset-flexitime-weekly-hint = Die Stunden einer Woche, zu beliebiger Zeit.
preset-two-shifts = Zwei Schichten
preset-two-shifts-hint = Eine Früh- und eine Spätschicht.
preset-nights = Nachtschichten
preset-nights-hint = Schichten, die am nächsten Tag enden.
preset-esp32cam-gateway = Wie das ESP32-CAM-Gateway
preset-esp32cam-gateway-hint = Die Schwellen und der Mittagsabzug jenes Systems.

## Member

home = Übersicht
hello = Guten Tag, { $name }
you-are-in = Sie sind anwesend
you-are-out = Sie sind nicht da
you-are-late = Sie werden erwartet
you-are-on-leave = Sie sind im Urlaub
you-are-free = Sie haben heute frei
of-hours = von { $expected } Stunden
counted-of = { $counted } von { $expected }
this-week = Diese Woche
week-label = Stunden dieser Woche: { $hours }
history-intro = Ihre Tage des letzten Jahres.
my-data = Meine Daten
my-data-intro = Was über Sie gespeichert ist.
my-data-export = Meine Daten exportieren
my-data-ask = Etwas stimmt nicht, oder es soll gelöscht werden? Fragen Sie die Administration.
my-details = Ihre Angaben

## Messages about the last action

done-saved = Gespeichert
done-backup-made = Sicherung gemacht
done-person-added = Person hinzugefügt
done-corrected = Korrektur gespeichert
done-undone = Korrektur rückgängig gemacht
done-deactivated = Person deaktiviert
done-activated = Person aktiviert
done-policy = Die Regeln sind in Kraft
done-withdrawn = Zugriffsschlüssel entzogen
done-locked = Zeitraum abgeschlossen
done-site-added = Standort hinzugefügt
done-two-step-off = Die Anmeldung in zwei Schritten ist ausgeschaltet
done-two-step-reset = Die Anmeldung in zwei Schritten wurde zurückgesetzt

## Refusals of punches

refusal-outside-shift = Außerhalb aller Schichten
refusal-maximum-shift = Länger als der längste Aufenthalt
refusal-before-joining = Vor dem ersten Tag
refusal-after-leaving = Nach dem letzten Tag
refusal-not-a-member = Keine Person des Standorts
refusal-future = In der Zukunft

## Unusual days and punches

anomaly-missing-in = Das Kommen fehlt
anomaly-missing-out = Das Gehen fehlt
anomaly-short-rest = Die Ruhezeit davor war zu kurz
anomaly-long-work = Ein langer Tag
anomaly-shift-not-worked = Eine Schicht wurde nicht gearbeitet
anomaly-work-of-other-day = Die Arbeit gehört zu einem anderen Tag
anomaly-cut-week = Die Woche ist nicht vollständig
anomaly-ambiguous-time = Die Zeit gibt es zweimal, bei der Zeitumstellung
anomaly-same-second-turn = Kommen und Gehen in derselben Sekunde
anomaly-doubtful-gap = Eine lange Zeit zwischen zwei Buchungen
anomaly-rest-day = Arbeit an einem freien Tag
anomaly-holiday = Arbeit an einem Feiertag
anomaly-on-leave = Arbeit im Urlaub
anomaly-out-of-hours = Außerhalb der üblichen Zeiten
anomaly-too-many-scans = Ungewöhnlich viele Buchungen
anomaly-low-liveness = Niedrige Lebendwerte
anomaly-impossible-travel = Zwei Orte in zu kurzer Zeit
anomaly-expired-roster = Nach dem letzten geplanten Tag

## Changes in the audit

audit-organisation-created = Organisation angelegt
audit-site-created = Standort hinzugefügt
audit-site-changed = Standort geändert
audit-person-created = Person hinzugefügt
audit-person-changed = Person geändert
audit-person-activated = Person aktiviert
audit-person-deactivated = Person deaktiviert
audit-pin-set = PIN gesetzt
audit-pin-removed = PIN entfernt
audit-pin-limited = Zu viele falsche PINs
audit-badge-created = Ausweis erzeugt
audit-account-created = Konto angelegt
audit-account-changed = Konto geändert
audit-account-invited = Einladung erzeugt
audit-password-set = Passwort gesetzt
audit-signed-in = Angemeldet
audit-sign-in-limited = Zu viele falsche Passwörter oder Codes
audit-two-step-switched-on = Anmeldung in zwei Schritten eingeschaltet
audit-two-step-switched-off = Anmeldung in zwei Schritten ausgeschaltet
audit-two-step-reset = Anmeldung in zwei Schritten zurückgesetzt
audit-recovery-code-used = Ersatzcode benutzt
audit-token-created = API-Zugriffsschlüssel erzeugt
audit-token-revoked = Zugriffsschlüssel widerrufen
audit-device-created = Gerät hinzugefügt
audit-device-changed = Gerät geändert
audit-device-pairing-created = Kopplungs-Link eines Geräts gemacht
audit-device-paired = Kiosk gekoppelt
audit-device-token-created = Zugriffsschlüssel eines Geräts erneuert
audit-correction-made = Korrektur
audit-policy-applied = Regeln geändert
audit-period-closed = Zeitraum abgeschlossen
audit-days-recomputed = Tage neu ausgewertet

## Errors of input

problem-number-taken = Diese Nummer hat schon jemand.
problem-name-taken = Dieser Name ist vergeben.
problem-mail-taken = Diese E-Mail-Adresse hat schon ein Konto.
problem-wrong-password = E-Mail-Adresse und Passwort gehören nicht zusammen.
problem-wrong-code = Der Code ist falsch oder wurde schon benutzt. Geben Sie den ein, den die App jetzt zeigt.
problem-sign-in-again = Der Code kam zu spät. Melden Sie sich noch einmal an.
problem-other-password = Das ist nicht das Passwort Ihres Kontos.
problem-two-step-on = Die Anmeldung in zwei Schritten ist schon eingeschaltet.
problem-two-step-off = Die Anmeldung in zwei Schritten ist schon ausgeschaltet.
problem-two-step-not-begun = Das Einrichten hat länger als 15 Minuten gedauert. Beginnen Sie noch einmal.
problem-own-two-step = Schalten Sie Ihre eigene Anmeldung in zwei Schritten mit dem Passwort oder einem Code aus.
problem-too-many-attempts = Zu viele Versuche. Warten Sie einige Minuten und versuchen Sie es dann noch einmal.
problem-unknown-time-zone = Das ist keine Zeitzone der IANA-Datenbank, etwa Europe/Berlin.
problem-period-closed = Der Tag liegt in einem abgeschlossenen Zeitraum.
problem-in-the-future = Eine Buchung kann nicht in der Zukunft liegen.
problem-left-before-joined = Der letzte Tag liegt vor dem ersten.
problem-last-admin = Eine Organisation hat mindestens eine Person mit Administration, die sich anmelden kann.
problem-too-recent = Der letzte abgeschlossene Tag liegt mindestens zwei Tage zurück.
problem-outdated = Jemand hat es inzwischen geändert. Laden Sie die Seite neu.
problem-password-short = Das Passwort ist zu kurz.
problem-empty-file = Die Datei ist leer.
problem-busy = Der Server ist ausgelastet. Versuchen Sie es in einigen Sekunden noch einmal.
problem-storage-full = Der Speicher des Servers ist voll. Nichts wurde gespeichert. Bitte die Betreuer des Servers informieren.
problem-empty = Füllen Sie dieses Feld aus.
problem-too-long = Der Text ist zu lang.
problem-control-character = Der Text hat ein unsichtbares Zeichen, das nicht erlaubt ist. Tippen Sie ihn neu.
problem-mail-form = Das ist keine E-Mail-Adresse.
problem-wrong-time = Das ist keine Uhrzeit wie 09:30.
problem-wrong-date = Das ist kein Datum wie 2026-03-02.
problem-date-out-of-range = Das Datum liegt nicht in den Jahren 1901 bis 2198.
problem-wrong-period = Der Zeitraum endet, bevor er beginnt.
problem-long-period = Der Zeitraum hat mehr als 367 Tage.
problem-unknown-punch = Die Person hat keine solche Buchung.
problem-undone = Die Korrektur wurde schon zurückgenommen.
problem-undoing = Dieser Eintrag nimmt eine Korrektur zurück. Korrigieren Sie stattdessen noch einmal.
problem-wrong-link = Der Link ist falsch, wurde schon benutzt oder ist zu alt. Bitten Sie um einen neuen.
problem-set-up = Der Server ist schon eingerichtet. Melden Sie sich an.
problem-unknown-preset = Diese Vorlage für Regeln gibt es nicht.
problem-password-long = Das Passwort ist zu lang.
problem-pin-form = Eine PIN hat 4 bis 12 Ziffern.
problem-no-role = Ein Konto hat mindestens eine Rolle.
problem-role-with-site = Diese Rolle gilt für die ganze Organisation, nicht für einen Standort.
problem-member-without-person = Wählen Sie die Person, der das Konto gehört.
problem-wrong-form = Das Formular konnte nicht gelesen werden. Laden Sie die Seite neu.
problem-wrong-query = Die Adresse der Seite stimmt nicht.
problem-broken-upload = Die Datei kam nicht vollständig an oder ist zu groß. Senden Sie sie noch einmal.
problem-too-large = Die Datei ist zu groß.
problem-not-csv = Die Datei ist keine CSV-Datei.
problem-not-text = Die Datei ist kein CSV-Text. Speichern Sie die Tabelle als CSV.
problem-column-twice = Zwei Spalten haben denselben Namen.
problem-no-number-column = Keine Spalte heißt Nummer. Die Spalten heißen nummer, name, e-mail, standort, eintritt, austritt.
problem-too-many-rows = Die Datei hat zu viele Zeilen.
problem-row-without-number = Die Nummer fehlt.
problem-row-without-name = Der Name fehlt.
problem-row-without-site = Der Standort fehlt, und es gibt mehrere Standorte.
problem-row-too-long = Die Zeile hat mehr Felder als die Kopfzeile.
problem-row-not-utf8 = Die Zeile ist kein UTF-8-Text.
problem-number-twice = Die Nummer steht schon in einer früheren Zeile.
problem-number-of-other-site = Jemand von einem anderen Standort hat diese Nummer.
problem-unknown-site = Einen Standort mit diesem Namen gibt es nicht.

## Errors

error-not-found = Diese Seite gibt es nicht
error-not-found-text = Die Adresse stimmt nicht, oder was dort war, ist fort.
error-forbidden = Das dürfen Sie nicht sehen
error-forbidden-text = Ihre Rolle umfasst es nicht. Fragen Sie die Administration.
error-conflict = Jemand anderes war schneller
error-conflict-text = Der Eintrag wurde inzwischen geändert. Laden Sie die Seite neu; nichts wurde überschrieben.
error-refused = Das wurde abgelehnt
error-failed = Hier ist etwas fehlgeschlagen
error-failed-text = Nichts wurde geändert. Versuchen Sie es noch einmal; bleibt es so, nennen Sie dem Betrieb die Nummer der Anfrage.

## Die Seite einer Tür

kiosk = Kiosk
kiosk-face = Gesicht
kiosk-pin = PIN
kiosk-badge = QR-Code
kiosk-number = Personalnummer
kiosk-not-me = Das bin ich nicht
kiosk-delete = Löschen
kiosk-send = Fertig
kiosk-pin-title = Nummer und PIN
kiosk-badge-title = Ihr QR-Code
kiosk-badge-hint = Halten Sie ihn vor die Kamera oder das Lesegerät, oder tippen Sie den Code.
kiosk-badge-code = Code
kiosk-connecting = Einen Moment
kiosk-connecting-more = Der Kiosk verbindet sich
kiosk-morning = Guten Morgen
kiosk-morning-more = Schauen Sie in das Oval
kiosk-day = Guten Tag
kiosk-day-more = Schauen Sie in das Oval
kiosk-evening = Guten Abend
kiosk-evening-more = Schauen Sie in das Oval
kiosk-several = Bitte einzeln
kiosk-several-more = Mehrere Personen sind im Bild
kiosk-closer = Einen Schritt näher
kiosk-closer-more = Ihr Gesicht ist zu weit weg
kiosk-back = Einen Schritt zurück
kiosk-back-more = Ihr Gesicht ist zu nah
kiosk-center = Zur Mitte
kiosk-center-more = Bringen Sie Ihr Gesicht in das Oval
kiosk-turn = In die Kamera schauen
kiosk-turn-more = Drehen Sie den Kopf nach vorn
kiosk-light = Gleichmäßigeres Licht
kiosk-light-more = Ihr Gesicht ist zu dunkel oder zu hell
kiosk-hold = Still halten
kiosk-hold-more = Nur eine Sekunde
kiosk-checking = Prüfung …
kiosk-checking-more = Noch nicht gebucht
kiosk-in = KOMMEN
kiosk-out = GEHEN
kiosk-duplicate = Schon gebucht
kiosk-duplicate-more = Sie haben gerade gebucht. Es ändert sich nichts.
kiosk-refused = Nicht gebucht
kiosk-refused-more = Nach den Regeln zählt es nicht. Fragen Sie am Empfang.
kiosk-period-closed = Nicht gebucht
kiosk-period-closed-more = Der Tag liegt in einem abgeschlossenen Zeitraum. Fragen Sie am Empfang.
kiosk-clock-off = Nicht gebucht
kiosk-clock-off-more = Die Uhr dieses Kiosks geht falsch. Fragen Sie am Empfang.
kiosk-unknown = Nicht erkannt
kiosk-unknown-more = Nehmen Sie PIN oder QR-Code, oder fragen Sie am Empfang.
kiosk-spoof = Bitte ein echtes Gesicht
kiosk-spoof-more = Das sieht nach einem Bild oder Bildschirm aus. Niemand wurde gebucht.
kiosk-codes = PIN oder QR-Code
kiosk-codes-more = Gesichter müssen eine halbe Minute warten.
kiosk-no-faces = PIN oder QR-Code
kiosk-no-faces-more = Hier wird niemand am Gesicht erkannt.
kiosk-no-camera = Keine Kamera
kiosk-no-camera-more = PIN und QR-Code gehen. Erlauben Sie die Kamera, oder schließen Sie eine an.
kiosk-offline = Keine Verbindung
kiosk-offline-more = PIN und QR-Code werden hier aufbewahrt und später gesendet. Gesichter müssen warten.
kiosk-kept = Noch nicht bestätigt
kiosk-kept-more = Es ist hier aufbewahrt und wird gesendet, wenn die Verbindung wieder da ist.
kiosk-not-me-more = Niemand ist gebucht. Nehmen Sie PIN oder QR-Code.
kiosk-unpaired = Nicht gekoppelt
kiosk-unpaired-more = Öffnen Sie den Link, den die Seite Geräte zeigt, oder scannen Sie dessen QR-Code.
kiosk-wrong-link = Dieser Link geht nicht
kiosk-wrong-link-more = Er wurde schon benutzt, oder er ist zu alt. Machen Sie auf der Seite Geräte einen neuen.
kiosk-replaced = Woanders offen
kiosk-replaced-more = Dieser Kiosk läuft in einem anderen Fenster. Laden Sie diese Seite neu, um hier weiterzumachen.
kiosk-wrong-pin = Nummer und PIN gehören nicht zusammen.
kiosk-wrong-badge = Niemand hat diesen QR-Code.
kiosk-too-many-attempts = Zu viele Versuche. Warten Sie eine Minute, dann versuchen Sie es wieder.
kiosk-failed = Es ging nicht
kiosk-failed-more = Versuchen Sie es noch einmal, oder fragen Sie am Empfang.
kiosk-waiting = Noch nicht bestätigt: #
kiosk-lost = Nicht angenommen: #. Fragen Sie am Empfang.
kiosk-pair-title = { $name }: Kiosk öffnen
kiosk-pair-text = Scannen Sie den Code mit dem Tablet an der Tür, oder öffnen Sie dort den Link. Er geht einmal, eine Stunde lang.
kiosk-pair-qr = QR-Code des Kopplungs-Links
kiosk-pair-link = Kopplungs-Link
kiosk-pair-open = Den Kiosk in diesem Browser öffnen
kiosk-pair-other = Ein Gerät ohne Browser braucht den Zugriffsschlüssel
## Face data

face-data = Gesichtsdaten
consent-none = Keine Einwilligung
consent-none-text = Ohne Einwilligung gibt es keine Gesichtsdaten. PIN und QR-Code gehen auch ohne.
consent-first = Zuerst die Einwilligung
consent-intro = Lesen Sie diesen Text gemeinsam mit der Person.
consent-text = Mein Arbeitgeber speichert Zahlen, die mein Gesicht beschreiben, damit mich eine Kamera an der Tür erkennt. Sie entstehen aus Fotos von mir; die Fotos werden nicht aufbewahrt. Sie dienen der Erfassung der Anwesenheit und nichts anderem. Sie sind mit einem eigenen Schlüssel verschlüsselt. Ich kann stattdessen eine PIN oder einen QR-Code benutzen, ohne Nachteil. Ich kann diese Einwilligung jederzeit widerrufen; die Zahlen werden dann sofort gelöscht.
consent-read = { $name } hat diesen Text gelesen und stimmt zu
consent-record = Einwilligung festhalten
consent-recorded = Einwilligung liegt vor
consent-recorded-text = Text { $version }, { $language }.
consent-withdraw = Einwilligung widerrufen
consent-withdraw-text = Wenn Sie die Einwilligung widerrufen, werden Ihre Gesichtsdaten sofort entfernt. PIN und QR-Code gehen weiterhin.
crops = Bilder des Gesichts
consent-crops = Ich entscheide, ob auch kleine Bilder meines Gesichts aufbewahrt werden: die, aus denen die Zahlen entstehen. Sie sind mit demselben Schlüssel verschlüsselt. Wechseln die Modelle der Erkennung, so entstehen aus ihnen neue Zahlen, und ich muss nicht neu erfasst werden. Sie dienen nichts anderem. Sie werden mit den Zahlen gelöscht, und sobald ich sie nicht mehr will.
consent-crops-read = { $name } möchte, dass auch diese Bilder aufbewahrt werden
consent-crops-kept = Bilder des Gesichts werden aufbewahrt.
consent-crops-not-kept = Bilder des Gesichts werden nicht aufbewahrt.
consent-crops-keep = Bilder der nächsten Fotos aufbewahren
consent-crops-stop = Bilder löschen
template-old = mit früheren Modellen erzeugt
must-enrol = Die Modelle der Erkennung haben gewechselt. Erfassen Sie die Person neu, damit Türen das Gesicht auch nach dem Wechsel kennen.
must-enrol-you = Die Modelle der Erkennung haben gewechselt. Bitten Sie darum, neu erfasst zu werden, damit Türen Ihr Gesicht auch nach dem Wechsel kennen.
template-remove = Vorlage { $number } entfernen
templates-none = Noch keine Vorlagen. Erfassen Sie die Person.
templates-kept = Gespeicherte Vorlagen
enrol = Gesicht erfassen
enrol-named = { $name }: Gesicht erfassen
enrol-intro = Drei bis fünf Fotos genügen. Die Fotos werden nach der Prüfung entfernt.
enrol-photos = Fotos
enrol-files = Fotos auswählen
enrol-files-hint = 1 bis { $most } Fotos als JPEG, PNG oder WebP.
enrol-send = Fotos prüfen
enrol-refused = Die Fotos wurden nicht angenommen
enrol-report = Ergebnis
enrol-progress = { $seen } von { $count } Fotos geprüft
enrol-of-photos = von { $count } Fotos angenommen
enrol-failed = Die Fotos konnten nicht geprüft werden. Senden Sie sie noch einmal.
enrol-resembles = Sieht aus wie jemand anderes
enrol-resembles-hint = Ist es eine Person mit zwei Nummern? Dann löschen Sie eine davon. Personen, die sich ähneln, sollten zusätzlich eine PIN benutzen.
enrol-tips = Gute Fotos
enrol-tip-poses = Eines von vorn, die anderen leicht zu beiden Seiten, nach oben und nach unten gedreht.
enrol-tip-light = Licht von vorn, keine Sonne hinter dem Kopf.
enrol-tip-size = Kopf und Schultern, nur eine Person.
somebody-elsewhere = jemand von einem anderen Standort
photo-number = Foto { $number }
photo-quality = Qualität { $quality }
photo-no-face = Es wurde kein Gesicht gefunden.
photo-several-faces = Es sind mehrere gleich große Gesichter zu sehen.
photo-spoof = Es sieht nach einem Ausdruck oder Bildschirm aus.
photo-tight-crop = Um das Gesicht herum ist zu wenig zu sehen.
photo-another-person = Es zeigt jemand anderen als die übrigen Fotos.
photo-mismatch = Es passt nicht zu den anderen Fotos der Person.
photo-resembles = Es zeigt jemand anderen, der schon erfasst ist.
photo-unreadable-image = Die Datei ist kein lesbares Foto.
photo-image-too-large = Das Foto ist zu groß.
photo-too-small = Das Gesicht ist zu klein. Kommen Sie näher.
photo-blurred = Das Gesicht ist unscharf. Halten Sie still.
photo-too-dark = Das Gesicht ist zu dunkel.
photo-too-bright = Das Gesicht ist zu hell.
photo-low-contrast = Der Kontrast ist zu gering. Ist die Linse sauber?
photo-turned-away = Der Kopf ist zu weit gedreht.
photo-cut-off = Ein Teil des Gesichts ist außerhalb des Fotos.
photo-no-shape = Das Gesicht ist verdeckt oder verzerrt.
photo-unrecognizable = Das Gesicht ist nicht von anderen zu unterscheiden. Ist es verdeckt?
camera = Mit der Kamera
camera-intro = Fünf Bilder, etwa eine halbe Minute. Sie werden geprüft und nicht aufbewahrt.
camera-picture = Bild der Kamera
camera-poses = Blickrichtungen
camera-start = Kamera starten
camera-turn-front = Blicken Sie gerade in die Kamera.
camera-turn-left = Drehen Sie den Kopf etwas nach links.
camera-turn-right = Drehen Sie den Kopf etwas nach rechts.
camera-turn-up = Heben Sie das Kinn etwas.
camera-turn-down = Senken Sie das Kinn etwas.
camera-hold = Gut.
camera-no-camera = Die Kamera ist nicht verfügbar. Erlauben Sie sie im Browser, oder wählen Sie Fotos aus.
pose-front = Vorn
pose-left = Links
pose-right = Rechts
pose-up = Oben
pose-down = Unten
room = Platz für Personen
room-left = { $count ->
    [one] 1 weitere Person
   *[other] { $count } weitere Personen
}
room-text = { $people } von { $capacity } Personen bei dieser Fehlerrate. Darüber sollten Türen nur den eigenen Standort durchsuchen oder zusätzlich eine PIN verlangen.
recognition = Erkennung
models = Modelle
models-hint = Die Datei der Einstellungen wählt die Modelle. nano ist für Dutzende Personen, standard für Hunderte.
backups = Sicherungen
backup-make = Jetzt sichern
backups-none = Hier wurde noch keine Sicherung gemacht.
backups-hint = Der Server behält die neuesten sieben im Ordner { $folder }. Kopieren Sie sie an einen anderen Ort, und die Datei keys.facekit getrennt davon: Eine Sicherung nützt nur mit ihr.
megabytes = { $number } MB
model-change = Wechsel der Modelle
model-change-progress = { $done } von { $count } Personen haben Vorlagen der neuen Modelle.
model-change-waiting = { $count ->
    [one] Aus den aufbewahrten Bildern von 1 Person entstehen gerade neue Vorlagen.
   *[other] Aus den aufbewahrten Bildern von { $count } Personen entstehen gerade neue Vorlagen.
}
model-change-earlier = Türen durchsuchen auch die Vorlagen der früheren Modelle: { $models }. Niemand geht verloren; Gesichter, die die neuen Modelle nicht kennen, dauern länger.
model-change-missing = Frühere Modelle sind nicht im Ordner der Modelle. Personen mit deren Vorlagen werden nicht am Gesicht erkannt. Legen Sie die Dateien zurück und starten Sie den Server neu, oder erfassen Sie diese Personen neu.
model-change-to-enrol = Neu zu erfassen
model-change-more = { $count ->
    [one] und 1 weitere Person
   *[other] und { $count } weitere Personen
}
model-change-end = Wechsel beenden
model-change-end-text = { $count ->
    [one] Die Vorlagen von 1 Person werden entfernt. Sie wird bis zur nächsten Erfassung nicht am Gesicht erkannt.
   *[other] Die Vorlagen von { $count } Personen werden entfernt. Sie werden bis zur nächsten Erfassung nicht am Gesicht erkannt.
}
liveness = Lebendprüfung
liveness-on = An
liveness-off = Aus: niemand wird mit dem Gesicht gebucht
erase = Endgültig löschen
erase-named = { $name } endgültig löschen?
erase-text = Name, Vorlagen, Fotos und Konto werden gelöscht, auch aus Sicherungen. Die Zeiten bleiben ohne Namen.
erase-final = Das lässt sich nicht rückgängig machen.
erase-number = Zur Bestätigung die Personalnummer eingeben
privacy-decisions = Einwilligungen und Löschungen
privacy-decisions-text = Einwilligungen werden auf der Seite der Person festgehalten und widerrufen; dort werden Personen auch gelöscht.
consents-given = Gültige Einwilligungen
consents-withdrawn = Widerrufene Einwilligungen
people-erased = Gelöschte Personen
erasures-unfinished = { $count ->
    [one] 1 Löschung ist nicht abgeschlossen. Sie wird alle 15 Minuten erneut versucht.
   *[other] { $count } Löschungen sind nicht abgeschlossen. Sie werden alle 15 Minuten erneut versucht.
}
kept-consents = Einwilligungen
kept-consents-hint = Text, Sprache, Zeit und wer sie festgehalten hat.
kept-templates = Vorlagen
kept-templates-hint = Zahlen, die ein Gesicht beschreiben, verschlüsselt. Keine Fotos.
kept-crops = Kleine Bilder von Gesichtern
kept-crops-hint = Die Bilder, aus denen Vorlagen entstanden, verschlüsselt, von Personen, die zugestimmt haben.
done-model-change-ended = Der Wechsel der Modelle ist beendet
audit-model-change-ended = Wechsel der Modelle beendet
audit-templates-embedded-again = Vorlagen aus aufbewahrten Bildern neu erzeugt
problem-no-model-change = Alle Vorlagen stammen von den gegenwärtigen Modellen.
problem-slow-upload = Die Fotos kamen zu langsam an.
done-consented = Einwilligung festgehalten
done-consent-withdrawn = Einwilligung widerrufen und Gesichtsdaten entfernt
done-template-removed = Vorlage entfernt
done-erased = Die Person wurde gelöscht
audit-consent-given = Einwilligung festgehalten
audit-consent-withdrawn = Einwilligung widerrufen
audit-enrolment-begun = Fotos zur Erfassung gesendet
audit-enrolment-finished = Erfassung abgeschlossen
audit-template-removed = Vorlage entfernt
audit-breach-listed = Betroffene eines Datenschutzvorfalls aufgelistet
audit-person-erased = Person gelöscht
problem-consent-missing = Halten Sie zuerst die Einwilligung der Person fest.
problem-enrolment-waiting = Die Fotos der Person werden gerade ausgewertet. Warten Sie zuerst auf den Bericht.
problem-number-of-photos = Wählen Sie 1 bis 10 Fotos.
problem-photo-too-large = Ein Foto ist größer als 25 MB.
problem-too-many-templates = Die Person hat schon viele Vorlagen. Entfernen Sie zuerst einige.
problem-wrong-number = Das ist nicht die Nummer der Person.
problem-unknown-text = Der Text der Einwilligung hat sich geändert. Laden Sie die Seite neu.
problem-unknown-language = Diese Sprache ist nicht bekannt.
