# The English messages. A language is added by adding a file with these keys, named after its code.

## General

product = Attendance
language-name = English
language = Language
skip = Skip to content
actions = Actions
cancel = Cancel
continue = Continue
save = Save
show = Show
copy = Copy
copy-this = Copy this text
undo = Undo
undo-reason = Undone on the page
undone = Undone
look = Look
filter = Filter
older = Older
next-page = Next page
as-table = Show as a table
export = Export
export-csv = Export as CSV
optional = (optional)
count = Count
reason = Reason
line = Line
time = Time
date = Date
day = Day
month = Month
now = Now
then = Then
name = Name
number = Number
number-short = No.
number-hint = The staff number. It is unique.
mail = Mail address
mail-hint = You sign in with it.
site = Site
sites = Sites
all-sites = All sites
role = Role
state = State
token = Token
hours = Hours
request-id = Request { $id }
to-start = To the start page
form-refused = One field needs a change

## Navigation

nav-main = Main
nav-short = Short
nav-more = More
nav-open = open
nav-mine = My own
nav-manage = Manage
nav-trust = Trust
theme-toggle = Switch light and dark
sign-out = Sign out
role-admin = Administrator
role-manager = Manager
role-member = Member
role-auditor = Auditor
role-device = Device

## Dates

date-long = { $weekday }, { $day } { $month } { $year }
date-whole = { $day } { $month } { $year }
date-short = { $weekday }, { $day } { $month }
date-day-month = { $day } { $month }
date-month-year = { $month } { $year }
date-and-time = { $date }, { $time }
since = since { $time }
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
month-short-1 = Jan
month-short-2 = Feb
month-short-3 = Mar
month-short-4 = Apr
month-short-5 = May
month-short-6 = Jun
month-short-7 = Jul
month-short-8 = Aug
month-short-9 = Sep
month-short-10 = Oct
month-short-11 = Nov
month-short-12 = Dec
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
weekday-short-1 = Mon
weekday-short-2 = Tue
weekday-short-3 = Wed
weekday-short-4 = Thu
weekday-short-5 = Fri
weekday-short-6 = Sat
weekday-short-7 = Sun

## Statuses

status = Status
status-in = In
status-out = Gone
status-in-time = In time
status-present = Present
status-half-day = Half a day
status-late = Late
status-late-by = { $minutes } min late
status-late-by-hours = { $hours } h late
status-absent = Absent
status-not-here = Not here yet
status-expected = Expected
status-incomplete = Incomplete
status-on-leave = On leave
status-free = Free
status-not-employed = Not employed
in = In
out = Out
direction = Direction
direction-unknown = In or out

## Today

today = Today
today-now = Right now
in-now = In now
of-expected = of { $count }
alarms = Alarms
alarms-none = Nothing to do
alarms-more = { $count ->
    [one] One more alarm
   *[other] { $count } more alarms
}
arrivals = Arrivals
arrivals-label = { $count ->
    [one] Arrivals by quarter of an hour: 1 person
   *[other] Arrivals by quarter of an hour: { $count } people
}
arrivals-none = Nobody has come yet.
arrivals-now = now
events = Events
events-updated = Every 30 s
events-none = No events yet
events-none-hint = Who comes and goes is listed here.
live = Live
live-intro = The cameras of the doors, as they are now. Names are drawn on this page only; pictures are not kept.
live-no-script = Pictures need JavaScript. The lists work without it; load the page again to see what is new.
live-none = No cameras
live-none-hint = Pair a tablet or a camera. Its picture is here then.
live-no-picture = No picture
live-last-seen = Last seen { $time }
live-never-seen = It never sent anything
live-nobody = Nobody in the picture
live-full = { $name } on the full screen
live-columns = Pictures beside each other
live-boxes = Boxes
live-box-known = Recognized
live-box-unknown = Unknown
live-box-unclear = Not clear enough
live-box-spoof = Print or screen
live-several = Several people
live-closer = Too far away
live-back = Too near
live-center = Beside the middle
live-turn = Turned away
live-light = Too dark or too bright
live-hold = Looking
live-checking = Checking
live-in = in
live-out = out
live-duplicate = marked already
live-refused = Not marked
live-unknown = Not recognized
live-spoof = No real face
live-codes = PIN or QR code only
live-no-faces = PIN or QR code only
event-in = came in
event-out = went out
event-refused = was refused
event-seen = was recorded
no-pictures = No pictures are kept here
day-whole = The whole day
first-in = First in
hours-today = Hours today
share-of-day = Share of the day
nobody-here = Nobody is listed
nobody-yet = Add the people whose time you record.
nobody-found = No person fits the search and the filter.
mark = Record
mark-by-hand = Record by hand
mark-hint = For people whose punch is missing. The entry has your name and a reason.
mark-whom = Whose punch is missing?
mark-for = { $name }, { $date }
mark-choose = Choose the person
mark-none = No person has this name or number.
alarm-incomplete = { $count ->
    [one] One day has no OUT
   *[other] { $count } days have no OUT
}
alarm-incomplete-text = Their hours count when the OUT is added.
alarm-device = { $name } is silent
alarm-device-text = Last message: { $time }
alarm-device-never = It has not sent a message yet.
alarm-open-review = Open review
alarm-open-devices = Open devices

## Day

day-intro = The records of all people on this date.
day-before = Day before
day-after = Day after
day-empty = No records
day-locked = The period is closed
day-not-final = The day is not final yet
day-chart-empty = Nobody was in on this day
day-chart-label = In { $spans }
day-chart-span = from { $from } to { $to }
day-chart-expected = Expected { $from } to { $to }
first = First
last = Last
counted = Counted
expected = Expected
balance = Balance

## People

people = People
badges = Badges
badges-intro = A badge has a QR code for the doors. Choose the people who get a new one: their old badges end.
badges-nobody = Choose somebody.
badges-more = There are more people. Search for a name or a number.
badges-make = Make badges
badges-print = Print badges
badges-once = Print them now: the codes are shown once. A new badge ends this one.
badge-new = New badge
badge-qr = QR code of the badge
people-intro = Everybody whose time is recorded.
people-all = All people
people-count = { $count ->
    [one] 1 person
   *[other] { $count } people
}
people-shown = { $count ->
    [one] the first one is shown
   *[other] the first { $count } are shown
}
find-person = Find a person
person-add = Add person
person-add-intro = Name and number are enough. Face data comes later, with consent.
person-active = Active
person-left = Left
person-inactive = This person is inactive
person-inactive-text = Punches are refused. The records stay until they are erased.
joined = Joined
joined-on = since { $date }
import = Import
import-title = Import people
import-intro = From a CSV file. A person with the same number is updated.
import-file = CSV file
import-file-hint = The first line names the columns: number, name, and if you like mail, site, joined and left.
import-partial = Import the other lines if some are refused
import-nothing = Nothing was imported. Correct the file, or import the other lines.
import-unknown-columns = Columns that were not used: { $columns }
import-refused = The file was refused
import-report = Report
import-added = added
import-updated = updated
import-unchanged = unchanged
import-lines-refused = { $count ->
    [one] One line was refused
   *[other] { $count } lines were refused
}

## Person

year = The year
year-label = Status of each day from { $from } to { $to }. The figures are in the table below.
year-scroll = The year, scrolls sideways
year-table = The year as a table
year-present = present, { $hours }
year-late = late, { $hours }
year-legend-present = Present, fewer to more hours
worked-and-break = { $worked } counted, { $pause } break
punches-none = There are no punches on this day.
punches-none-today = There are no punches today.
punches-today = Punches today
punch-not-counted = not counted
punch-change = Correct { $time }
punch-remove = Remove
punch-repeat = Repeat
punch-refused = Refused
punch-corrected = Corrected
punch-replaced = Replaced by a correction
punch-repeat-note = Repeated within { $seconds } s
punch-by-face = by face
punch-by-hand = by hand
punch-by-code = by PIN or QR code
punch-by-import = imported
punch-automatic = automatic
corrections = Corrections
corrections-intro = Nothing is overwritten. Undo adds a correction of its own.
corrections-none = There are no corrections.
corrections-older = Older corrections are in the audit.
correction-no-punch = no punch
correction-punch = a punch
correction-removed = removed
correction-by = “{ $reason }” { $by }
reason-hint = It is kept with the entry, and the person can read it.
details = Details
other-ways = PIN
other-ways-hint = PIN and QR code work at each device, also without face data.
pin-new = Make a new PIN
pin-is = The new PIN of { $name } is { $pin }. It is shown once.
deactivate = Deactivate
activate = Activate
deactivate-text = An inactive person cannot punch. The records stay, and you can undo this.
figure-now = Now
figure-hours = Hours in { $month }
figure-target = Target { $hours }
figure-balance = Balance
figure-of-days = { $count ->
    [one] of 1 day
   *[other] of { $count } days
}
figure-average = { $minutes } min on average
figure-in-year = In the last year
figure-out = Out
figure-none = None
figure-last-seen = Last punch { $time }

## Devices

devices = Devices
devices-intro = Each device has a token of its own, which only records punches.
devices-all = All devices
devices-count = { $count ->
    [one] 1 device
   *[other] { $count } devices
}
devices-none = No device yet
devices-none-hint = Pair a tablet at the door, or a terminal that sends punches.
device = Device
device-name = Name of the device
device-name-hint = Where it is, such as “Front door”.
device-example = Front door
device-pair = Pair a device
device-pair-hint = You get a token for the device. It is shown once.
device-working = Working
device-silent = Silent
device-waiting = Not seen yet
device-withdrawn = Withdrawn
device-withdraw-named = Withdraw the token of { $name }
device-renew-named = Renew the token of { $name }
last-seen = Last seen
never = Never
withdraw = Withdraw
renew = Renew
token-once = It is shown once. Copy it to the device now.

## Policy

policy = Policy
policy-of = Policy of { $site }
policy-since = { $date }, in force now. A change starts on a date and never changes a closed period.
policy-from = From { $date }
policy-always = From the beginning
policy-keep = As in the text of the policy
policy-remove = Remove this shift
policy-shift-named = Shift { $name }
policy-shift-new = Add a shift
policy-start = Start
policy-starts-on = Starts on
policy-starts-hint = Days from this date on are evaluated again.
policy-apply = { $count ->
    [0] Apply, no day changes
    [one] Apply to one day
   *[other] Apply to { $count } days
}
policy-text = All settings as text
policy-text-label = Policy in TOML
policy-text-hint = Settings that the form does not have are here. The form keeps them.
in-force = In force
dry-run = Dry run
dry-run-now = Try it
dry-again = Try again
dry-nothing-saved = Nothing is saved
dry-hint = See which days a change would change, before you apply it.
dry-people = { $count ->
    [one] of 1 person change
   *[other] of { $count } people change
}
days-count = { $count ->
    [one] 1 day
   *[other] { $count } days
}
discard = Discard
history = History
policy-site = Working week
policy-site-time-zone = Time zone
policy-site-time-zone-hint = Its name in the IANA database, such as Europe/Berlin.
policy-site-week-starts = First day of the week
policy-site-working-days = Working days
policy-shifts = Shifts
policy-shift-name = Name
policy-shift-start = Starts
policy-shift-end = Ends
policy-shift-overnight = Ends on the next day
policy-shift-flexible = Flexible: nobody is late
policy-shift-expected = Expected time
policy-shift-expected-hint = Empty: from start to end without breaks. Such as 8h.
policy-shift-late-after = Late after
policy-shift-late-after-hint = Time after the start that still counts as in time. Such as 10m.
policy-shift-early-before = Leaves early before
policy-shift-early-before-hint = Time before the end that does not count as leaving early.
policy-shift-margin-before = Belongs to the shift before its start
policy-shift-margin-after = Belongs to the shift after its end
policy-work = Counting time
policy-work-expected = Expected time of a day without shifts
policy-work-expected-weekly = Expected time of a week
policy-work-full-day = A full day from
policy-work-full-day-hint = Empty: three quarters of the expected time.
policy-work-half-day = Half a day from
policy-work-tolerance = Missing time that does not matter
policy-work-count = Time counts
policy-work-before-start = Time before the start counts
policy-work-after-end = Time after the end counts
policy-scans = At the door
policy-scans-cooldown = Repeated within
policy-scans-cooldown-hint = A second punch within this time does not count.
policy-scans-shortest-stay = Shortest stay
policy-scans-shortest-stay-hint = A punch within this time after an IN is no OUT.
policy-scans-members-only = Only people of the site
policy-assignment = Forgotten OUT and long stays
policy-assignment-missing-out = A day without an OUT
policy-assignment-longest-shift = Longest stay
policy-assignment-new-shift-after = A new shift after a break of
policy-assignment-outside-windows = A punch outside all shifts
policy-assignment-day = A night shift belongs to
policy-overtime = Overtime
policy-overtime-weekly-after = In a week after
policy-overtime-at-most-daily = At most on a day
policy-overtime-rest-days = All work on rest days
policy-overtime-holidays = All work on holidays
policy-anomalies = Warnings
policy-anomalies-long-work = A day longer than
policy-anomalies-short-rest = A rest shorter than
policy-choice-count-pairs = From each IN to the next OUT
policy-choice-count-first-in-last-out = From the first IN to the last OUT
policy-choice-count-first-to-last = From the first punch to the last
policy-choice-missing-out-open = Stays incomplete until it is corrected
policy-choice-missing-out-at-shift-end = Is closed at the end of the shift
policy-choice-missing-out-refuse = Does not count until it is corrected
policy-choice-outside-windows-refuse = Is refused
policy-choice-outside-windows-unscheduled = Counts without a shift
policy-choice-day-start = The day on which it starts
policy-choice-day-end = The day on which it ends
policy-choice-day-most-worked = The day with most of the work
policy-choice-day-split-at-midnight = Both, divided at midnight

## Review

review = Review
review-intro = { $count ->
    [0] Nothing waits for you.
    [one] One day waits for you.
   *[other] { $count } days wait for you.
}
review-none = Nothing to review
review-none-hint = Days with a missing punch or an unusual one are listed here.
review-queue = Days to review
review-hint = A correction settles the day. The original punches are kept.
review-correct = Correct this day
review-all = All
review-incomplete = Incomplete
review-unusual = Unusual
review-no-out = no OUT

## Audit

audit = Audit
audit-intro = Each change, who made it and when.
audit-verify = Verify the chain
audit-valid = The chain is valid
audit-valid-text = No entry was changed or removed.
audit-broken = The chain is broken
audit-broken-text = An entry was changed or removed outside of this program.
audit-entries = Entries
audit-action = Change
audit-subject = About
audit-actor = By
audit-newest = The newest entries come first
actor-operator = The operator of the machine
actor-token = API token
actor-device = Device
actor-account = Account

## Data protection

privacy = Data protection
privacy-intro = What is kept about people, and who can read it.
privacy-kept = What is kept
privacy-records = Records
privacy-readers = Who can read
privacy-readers-hint = Members read their own records only.
privacy-rights = Requests of people
privacy-rights-text = Each person can read and export the own records under My data. You can export them on the page of the person.
privacy-choose = Choose a person
kept-people = People
kept-people-hint = Number, name, mail address, site, days of joining and leaving.
kept-sightings = Sightings
kept-sightings-hint = What devices reported: the time, the device, and the answer. No pictures.
kept-punches = Punches
kept-punches-hint = The times of coming and going.
kept-corrections = Corrections
kept-corrections-hint = Who changed what, when and why.
kept-days = Days
kept-days-hint = Derived from punches, corrections and rules.
kept-audit = Audit entries
kept-audit-hint = Each change, in a chain of hashes.
accounts-count = { $count ->
    [one] 1 account
   *[other] { $count } accounts
}

## Settings

settings = Settings
settings-look = Language and look
theme = Theme
theme-system = As the system
theme-light = Light
theme-dark = Dark
site-add = Add a site
site-name = Name of the site
time-zone = Time zone
rules = Rules to start with
locked-through = closed until { $date }
lock = Close a period
lock-site = Close a period of { $name }
lock-hint = Punches and corrections up to this day are refused from then on.
lock-through = Up to and including
accounts = Accounts
account-invite = Invite somebody
account-invite-hint = You get a link, with which the person chooses a password.
account-sees = Sees
account-active = Active
account-invited = Invited
account-disabled = Disabled
account-disable-named = Disable the account of { $name }
account-enable-named = Enable the account of { $name }
disable = Disable
enable = Enable
secret-once = This is shown once
secret-invitation = Send this link to the person. It works once.
secret-token = Give this token to the program that uses the API.
tokens = API tokens
tokens-none = Programs need a token to use the API.
token-add = Make a token
token-hint = Each program has a token of its own, so that you can revoke it.
token-label = What is it for?
token-revoke-named = Revoke { $name }
token-used = used { $date }
token-unused = not used yet
revoke = Revoke
api-docs = Documentation of the API

## Sign-in

sign-in = Sign in
password = Password
password-new = New password
password-hint = At least { $least } characters. A sentence is good.
sign-in-refused = Mail address and password do not match.
sign-in-limited = Too many tries. Wait a minute, then try again.
sign-in-forgotten = Forgotten your password? An administrator can send you a new link.
sign-in-invitation = Invited? Open the link of the invitation.
invitation = Welcome
invitation-text = Choose a password for your account.
two-step = Two-step sign-in
two-step-intro = A code of your phone after the password. Somebody who knows the password alone cannot sign in.
two-step-set-up = Set up
two-step-change = Change
two-step-is-on = On
two-step-is-off = Off
two-step-app = You need an app for such codes on your phone: an authenticator app or a password manager.
two-step-password-hint = Once more, so that nobody else switches it on.
two-step-begin = Show the QR code
two-step-scan = 1. Add the account to your app
two-step-scan-text = Scan the QR code with the app, or type the key.
two-step-qr = QR code for the authenticator app
two-step-secret = Key
two-step-first = 2. Type the code that the app shows
two-step-first-hint = A new code appears each 30 seconds. All your other sessions end.
two-step-digits = Code of six digits
two-step-switch-on = Switch on
two-step-codes = Keep these recovery codes
two-step-codes-text = Two-step sign-in is on. If you lose the phone, each of these codes works once in its place. They are never shown again.
two-step-kept = I have kept them
two-step-since = On since { $date }.
two-step-codes-left = { $count ->
    [0] No recovery code is left.
    [one] One recovery code is left.
   *[other] { $count } recovery codes are left.
 }
two-step-codes-few = Few recovery codes are left. Switch two-step sign-in off and on again for new ones.
two-step-switch-off = Switch off
two-step-off-text = Type your password or a code. After that, the password is enough to sign in.
two-step-or-code = Or a code
two-step-code = Code of the app, or a recovery code
two-step-code-text = Your account needs a code after the password.
two-step-lost = Lost your phone? Use a recovery code. An administrator can also switch two-step sign-in off for you.
two-step-other-account = Sign in with another account
two-step-reset = Reset the second step
two-step-reset-named = Reset the second step of { $name }
two-step-reset-text = For somebody who has lost phone and recovery codes. The password is enough to sign in then, and all sessions of the account end. Make sure that it is really that person who asks.

## Wizard

setup-steps = Steps
setup-first = First start
setup-progress = Step { $step } of 4
setup-skip = Later
setup-rules = Rules to start with
setup-organisation = Organisation
setup-organisation-hint = Your account, a site and its rules
setup-organisation-title = Who are you?
setup-organisation-text = You become the first administrator. Everything here can be changed later.
setup-site-title = Where and when do people work?
setup-device = First device
setup-device-hint = A tablet or a terminal
setup-device-title = Where do people punch?
setup-device-text = The device gets a token, which is shown at the end.
setup-person = First person
setup-person-hint = Name and number
setup-person-title = Who works here?
setup-person-text = Add one person now. A whole list can be imported later.
setup-ready = Ready
setup-ready-hint = Open the pages
setup-ready-title = Everything is ready
setup-ready-text = You can change all of it under Settings and Policy.
setup-device-token = Token of the device
setup-open = Open Today
organisation = Name of the organisation
your-name = Your name
time-zone-hint = Such as Europe/Berlin.
preset-nine-to-five = Office, fixed hours
preset-nine-to-five-hint = One shift on working days, a grace of five minutes, a lunch break, and half days.
preset-flexitime = Flexible hours
preset-flexitime-hint = Eight hours on working days, at any time. Nobody is late.
preset-flexitime-weekly = Hours of a week
preset-flexitime-weekly-hint = The hours of a week, at any time.
preset-two-shifts = Two shifts
preset-two-shifts-hint = An early and a late shift.
preset-nights = Night shifts
preset-nights-hint = Shifts that end on the next day.
preset-esp32cam-gateway = As the ESP32-CAM gateway
preset-esp32cam-gateway-hint = The thresholds and the lunch deduction of that system.

## Member

home = Home
hello = Hello, { $name }
you-are-in = You are in
you-are-out = You are out
you-are-late = You are expected
you-are-on-leave = You are on leave
you-are-free = You are free today
of-hours = of { $expected } hours
counted-of = { $counted } of { $expected }
this-week = This week
week-label = Hours of this week: { $hours }
history-intro = Your days of the last year.
my-data = My data
my-data-intro = What is kept about you.
my-data-export = Export my data
my-data-ask = Something is wrong, or you want it erased? Ask an administrator.
my-details = Your details

## Messages about the last action

done-saved = Saved
done-backup-made = Backup made
done-person-added = Person added
done-corrected = Correction saved
done-undone = Correction undone
done-deactivated = Person deactivated
done-activated = Person activated
done-policy = The policy is in force
done-withdrawn = Token withdrawn
done-locked = Period closed
done-site-added = Site added
done-two-step-off = Two-step sign-in is off
done-two-step-reset = Two-step sign-in was reset

## Refusals of punches

refusal-outside-shift = Outside of all shifts
refusal-maximum-shift = Longer than the longest stay
refusal-before-joining = Before the first day
refusal-after-leaving = After the last day
refusal-not-a-member = Not a person of the site
refusal-future = In the future

## Unusual days and punches

anomaly-missing-in = The IN is missing
anomaly-missing-out = The OUT is missing
anomaly-short-rest = The rest before was too short
anomaly-long-work = A long day
anomaly-shift-not-worked = A shift was not worked
anomaly-work-of-other-day = The work belongs to another day
anomaly-cut-week = The week is not complete
anomaly-ambiguous-time = The time occurs twice, when clocks go back
anomaly-same-second-turn = IN and OUT in the same second
anomaly-doubtful-gap = A long time between two punches
anomaly-rest-day = Work on a rest day
anomaly-holiday = Work on a holiday
anomaly-on-leave = Work during leave
anomaly-out-of-hours = Outside of the usual hours
anomaly-too-many-scans = Unusually many punches
anomaly-low-liveness = Low liveness scores
anomaly-impossible-travel = Two places in too short a time
anomaly-expired-roster = After the last planned day

## Changes in the audit

audit-organisation-created = Organisation created
audit-site-created = Site added
audit-site-changed = Site changed
audit-person-created = Person added
audit-person-changed = Person changed
audit-person-activated = Person activated
audit-person-deactivated = Person deactivated
audit-pin-set = PIN set
audit-pin-removed = PIN removed
audit-pin-limited = Too many wrong PINs
audit-badge-created = Badge made
audit-account-created = Account made
audit-account-changed = Account changed
audit-account-invited = Invitation made
audit-password-set = Password set
audit-signed-in = Signed in
audit-sign-in-limited = Too many wrong passwords or codes
audit-two-step-switched-on = Two-step sign-in switched on
audit-two-step-switched-off = Two-step sign-in switched off
audit-two-step-reset = Two-step sign-in reset
audit-recovery-code-used = Recovery code used
audit-token-created = API token made
audit-token-revoked = Token revoked
audit-device-created = Device added
audit-device-changed = Device changed
audit-device-pairing-created = Pairing link of a device made
audit-device-paired = Kiosk paired
audit-device-token-created = Token of a device renewed
audit-correction-made = Correction
audit-policy-applied = Rules changed
audit-period-closed = Period closed
audit-days-recomputed = Days evaluated again

## Errors of input

problem-number-taken = Somebody has this number already.
problem-name-taken = This name is taken.
problem-mail-taken = This mail address has an account already.
problem-wrong-password = Mail address and password do not belong together.
problem-wrong-code = The code is wrong, or was used already. Type the one that the app shows now.
problem-sign-in-again = The code came too late. Sign in again.
problem-other-password = This is not the password of your account.
problem-two-step-on = Two-step sign-in is on already.
problem-two-step-off = Two-step sign-in is off already.
problem-two-step-not-begun = The set-up took longer than 15 minutes. Begin again.
problem-own-two-step = Switch off your own two-step sign-in with the password or a code.
problem-too-many-attempts = Too many tries. Wait some minutes, then try again.
problem-unknown-time-zone = This is not a time zone of the IANA database, such as Europe/Berlin.
problem-period-closed = The day is in a closed period.
problem-in-the-future = A punch cannot be in the future.
problem-left-before-joined = The last day is before the first.
problem-last-admin = An organisation has at least one admin who can sign in.
problem-too-recent = The last closed day is at least two days ago.
problem-outdated = Somebody changed it meanwhile. Load the page again.
problem-password-short = The password is too short.
problem-empty-file = The file is empty.
problem-busy = The server is busy. Try again in a few seconds.
problem-storage-full = The disk of the server is full. Nothing was saved. Tell the people who run the server.
problem-empty = Fill in this field.
problem-too-long = The text is too long.
problem-control-character = The text has an invisible character that is not allowed. Type it again.
problem-mail-form = This is not a mail address.
problem-wrong-time = This is not a time such as 09:30.
problem-wrong-date = This is not a date such as 2026-03-02.
problem-date-out-of-range = The date is not in the years 1901 to 2198.
problem-wrong-period = The period ends before it begins.
problem-long-period = The period has more than 367 days.
problem-unknown-punch = The person has no such punch.
problem-undone = The correction was undone already.
problem-undoing = This entry takes a correction back. Make the correction again instead.
problem-wrong-link = The link is wrong, was used already, or is too old. Ask for a new one.
problem-set-up = The server was set up already. Sign in.
problem-unknown-preset = There is no such set of rules.
problem-password-long = The password is too long.
problem-pin-form = A PIN has 4 to 12 digits.
problem-no-role = An account has at least one role.
problem-role-with-site = This role is for the whole organisation, not for a site.
problem-member-without-person = Choose the person whose account it is.
problem-wrong-form = The form could not be read. Load the page again.
problem-wrong-query = The address of the page is wrong.
problem-broken-upload = The file did not arrive whole, or is too large. Send it again.
problem-too-large = The file is too large.
problem-not-csv = The file is not a CSV file.
problem-not-text = The file is not a CSV text. Save the table as CSV.
problem-column-twice = Two columns have the same name.
problem-no-number-column = No column is named number. Name the columns number, name, mail, site, joined, left.
problem-too-many-rows = The file has too many rows.
problem-row-without-number = The number is empty.
problem-row-without-name = The name is empty.
problem-row-without-site = The site is empty, and there are several sites.
problem-row-too-long = The row has more fields than the header.
problem-row-not-utf8 = The row is not UTF-8 text.
problem-number-twice = The number is in an earlier row, too.
problem-number-of-other-site = Somebody of another site has this number.
problem-unknown-site = There is no site with this name.

## Errors

error-not-found = This page does not exist
error-not-found-text = The address is wrong, or what was there is gone.
error-forbidden = You may not see this
error-forbidden-text = Your role does not include it. Ask an administrator.
error-conflict = Somebody else was faster
error-conflict-text = The entry was changed meanwhile. Load the page again; nothing was overwritten.
error-refused = This was refused
error-failed = Something failed here
error-failed-text = Nothing was changed. Try again; if it stays, give the request id to the operator.

## The page of a door

kiosk = Kiosk
kiosk-face = Face
kiosk-pin = PIN
kiosk-badge = QR code
kiosk-number = Staff number
kiosk-not-me = Not me
kiosk-delete = Delete
kiosk-send = Done
kiosk-pin-title = Number and PIN
kiosk-badge-title = Your QR code
kiosk-badge-hint = Hold it before the camera or the reader, or type the code.
kiosk-badge-code = Code
kiosk-connecting = One moment
kiosk-connecting-more = The kiosk connects
kiosk-morning = Good morning
kiosk-morning-more = Look into the oval
kiosk-day = Hello
kiosk-day-more = Look into the oval
kiosk-evening = Good evening
kiosk-evening-more = Look into the oval
kiosk-several = One at a time
kiosk-several-more = Several people are in the picture
kiosk-closer = A step closer
kiosk-closer-more = Your face is too far away
kiosk-back = A step back
kiosk-back-more = Your face is too near
kiosk-center = To the middle
kiosk-center-more = Bring your face into the oval
kiosk-turn = Look at the camera
kiosk-turn-more = Turn your head to the front
kiosk-light = More even light
kiosk-light-more = Your face is too dark or too bright
kiosk-hold = Hold still
kiosk-hold-more = Just a second
kiosk-checking = Checking…
kiosk-checking-more = Not marked yet
kiosk-in = IN
kiosk-out = OUT
kiosk-duplicate = Marked already
kiosk-duplicate-more = You were marked a moment ago. Nothing changes.
kiosk-refused = Not marked
kiosk-refused-more = The rules do not count it. Ask at the desk.
kiosk-period-closed = Not marked
kiosk-period-closed-more = The day is in a closed period. Ask at the desk.
kiosk-clock-off = Not marked
kiosk-clock-off-more = The clock of this kiosk is wrong. Ask at the desk.
kiosk-unknown = Not recognized
kiosk-unknown-more = Use PIN or QR code, or ask at the desk.
kiosk-spoof = A real face, please
kiosk-spoof-more = This looks like a picture or a screen. Nobody was marked.
kiosk-codes = PIN or QR code
kiosk-codes-more = Faces have to wait for half a minute.
kiosk-no-faces = PIN or QR code
kiosk-no-faces-more = People are not recognized by face here.
kiosk-no-camera = No camera
kiosk-no-camera-more = PIN and QR code work. Allow the camera, or connect one.
kiosk-offline = No connection
kiosk-offline-more = PIN and QR code are kept here and sent later. Faces have to wait.
kiosk-kept = Not confirmed yet
kiosk-kept-more = It is kept here, and sent when the connection is back.
kiosk-not-me-more = Nobody is marked. Use your PIN or QR code.
kiosk-unpaired = Not paired
kiosk-unpaired-more = Open the link that the page Devices shows, or scan its QR code.
kiosk-wrong-link = This link does not work
kiosk-wrong-link-more = It was used already, or is too old. Make a new one on the page Devices.
kiosk-replaced = Open elsewhere
kiosk-replaced-more = This kiosk runs in another window. Load this page again to go on here.
kiosk-wrong-pin = Number and PIN do not belong together.
kiosk-wrong-badge = Nobody has this QR code.
kiosk-too-many-attempts = Too many tries. Wait a minute, then try again.
kiosk-failed = It did not work
kiosk-failed-more = Try again, or ask at the desk.
kiosk-waiting = Not confirmed yet: #
kiosk-lost = Not accepted: #. Ask at the desk.
kiosk-pair-title = { $name }: open its kiosk
kiosk-pair-text = Scan the code with the tablet at the door, or open the link there. It works once, for an hour.
kiosk-pair-qr = QR code of the pairing link
kiosk-pair-link = Pairing link
kiosk-pair-open = Open the kiosk in this browser
kiosk-pair-other = A terminal without a browser needs the token
## Face data

face-data = Face data
consent-none = No consent
consent-none-text = Without consent there is no face data. PIN and QR code work without it.
consent-first = First the consent
consent-intro = Read this text together with the person.
consent-text = My employer stores numbers that describe my face, so that a camera at the door recognizes me. They are made from photos of me; the photos are not kept. They serve to record attendance and nothing else. They are encrypted with a key of my own. I can use a PIN or a QR code instead, without a disadvantage. I can withdraw this consent at any time; the numbers are then erased at once.
consent-read = { $name } has read this text and agrees
consent-record = Record consent
consent-recorded = Consent recorded
consent-recorded-text = Text { $version }, { $language }.
consent-withdraw = Withdraw consent
consent-withdraw-text = If you withdraw your consent, your face data is removed at once. PIN and QR code still work.
crops = Pictures of the face
consent-crops = It is up to me whether small pictures of my face are kept, too: those from which the numbers are made. They are encrypted with the same key. If the models of the recognition change, new numbers are made from them, so that I need not be enrolled again. They serve nothing else. They are erased with the numbers, and when I do not want them any more.
consent-crops-read = { $name } also wants that these pictures are kept
consent-crops-kept = Pictures of the face are kept.
consent-crops-not-kept = Pictures of the face are not kept.
consent-crops-keep = Keep pictures of the next photos
consent-crops-stop = Erase the pictures
template-old = made by earlier models
must-enrol = The models of the recognition have changed. Enrol the person again, so that doors know the face after the change, too.
must-enrol-you = The models of the recognition have changed. Ask to be enrolled again, so that doors know your face after the change, too.
template-remove = Remove template { $number }
templates-none = No templates yet. Enrol the person.
templates-kept = Templates that are kept
enrol = Enrol
enrol-named = Enrol { $name }
enrol-intro = Three to five photos are enough. The photos are removed when they were checked.
enrol-photos = Photos
enrol-files = Choose photos
enrol-files-hint = 1 to { $most } photos as JPEG, PNG or WebP.
enrol-send = Check the photos
enrol-refused = The photos were not taken
enrol-report = Result
enrol-progress = { $seen } of { $count } photos checked
enrol-of-photos = of { $count } photos taken
enrol-failed = The photos could not be checked. Send them again.
enrol-resembles = Looks like somebody else
enrol-resembles-hint = Is it one person with two numbers? Then erase one of them. People who look alike should use a PIN as well.
enrol-tips = Good photos
enrol-tip-poses = One from the front, the others turned a little to each side, up and down.
enrol-tip-light = Light from the front, no sun behind the head.
enrol-tip-size = Head and shoulders, one person only.
somebody-elsewhere = somebody of another site
photo-number = Photo { $number }
photo-quality = Quality { $quality }
photo-no-face = No face was found.
photo-several-faces = There are several faces of the same size.
photo-spoof = It looks like a print or a screen.
photo-tight-crop = Too little is visible around the face.
photo-another-person = It shows somebody else than the other photos.
photo-mismatch = It does not match the other photos of the person.
photo-resembles = It shows somebody else who is enrolled already.
photo-unreadable-image = The file is not a photo that can be read.
photo-image-too-large = The photo is too large.
photo-too-small = The face is too small. Come closer.
photo-blurred = The face is blurred. Hold still.
photo-too-dark = The face is too dark.
photo-too-bright = The face is too bright.
photo-low-contrast = There is too little contrast. Is the lens clean?
photo-turned-away = The head is turned too far.
photo-cut-off = A part of the face is outside of the photo.
photo-no-shape = The face is covered or distorted.
photo-unrecognizable = The face cannot be told apart from others. Is it covered?
camera = With the camera
camera-intro = Five pictures, about half a minute. They are checked and not kept.
camera-picture = Picture of the camera
camera-poses = Poses
camera-start = Start the camera
camera-turn-front = Look straight into the camera.
camera-turn-left = Turn your head a little to your left.
camera-turn-right = Turn your head a little to your right.
camera-turn-up = Chin up a little.
camera-turn-down = Chin down a little.
camera-hold = Good.
camera-no-camera = The camera cannot be used. Allow it in the browser, or choose photos.
pose-front = Front
pose-left = Left
pose-right = Right
pose-up = Up
pose-down = Down
room = Room for people
room-left = { $count ->
    [one] 1 more person
   *[other] { $count } more people
}
room-text = { $people } of { $capacity } people at this error rate. Beyond that, doors should search their own site only, or ask for a PIN as well.
recognition = Recognition
models = Models
models-hint = The file of settings chooses the models. nano is for dozens of people, standard for hundreds.
backups = Backups
backup-make = Back up now
backups-none = No backup was made here yet.
backups-hint = The server keeps the newest seven in the folder { $folder }. Copy them to another place, and the file keys.facekit apart from them: a backup is of use only with it.
megabytes = { $number } MB
model-change = Change of models
model-change-progress = { $done } of { $count } people have templates of the new models.
model-change-waiting = { $count ->
    [one] The kept pictures of 1 person are being used to make new templates.
   *[other] The kept pictures of { $count } people are being used to make new templates.
}
model-change-earlier = Doors also search the templates of the earlier models: { $models }. Nobody is lost, and faces that the new models do not know take longer.
model-change-missing = Earlier models are not in the models folder. People with their templates are not recognized by face. Put the files back and start the server again, or enrol these people again.
model-change-to-enrol = To enrol again
model-change-more = { $count ->
    [one] and 1 more person
   *[other] and { $count } more people
}
model-change-end = End the change
model-change-end-text = { $count ->
    [one] The templates of 1 person are removed. The person is not recognized by face until the next enrolment.
   *[other] The templates of { $count } people are removed. They are not recognized by face until the next enrolment.
}
liveness = Liveness check
liveness-on = On
liveness-off = Off: nobody is marked by face
erase = Erase for good
erase-named = Erase { $name } for good?
erase-text = Name, templates, photos and account are erased, also from backups. The times stay without a name.
erase-final = This cannot be undone.
erase-number = Type the staff number to confirm
privacy-decisions = Consents and erasures
privacy-decisions-text = Consent is recorded and withdrawn, and people are erased, on the page of the person.
consents-given = Consents that hold
consents-withdrawn = Withdrawn consents
people-erased = Erased people
erasures-unfinished = { $count ->
    [one] 1 erasure is not finished. It is tried again every 15 minutes.
   *[other] { $count } erasures are not finished. They are tried again every 15 minutes.
}
kept-consents = Consents
kept-consents-hint = Text, language, time, and who recorded it.
kept-templates = Templates
kept-templates-hint = Numbers that describe a face, encrypted. No photos.
kept-crops = Small pictures of faces
kept-crops-hint = The pictures from which templates were made, encrypted, of people who agreed to it.
done-model-change-ended = The change of models has ended
audit-model-change-ended = Change of models ended
audit-templates-embedded-again = Templates made again from kept pictures
problem-no-model-change = All templates are of the present models.
problem-slow-upload = The photos took too long to arrive.
done-consented = Consent recorded
done-consent-withdrawn = Consent withdrawn, and face data removed
done-template-removed = Template removed
done-erased = The person was erased
audit-consent-given = Consent recorded
audit-consent-withdrawn = Consent withdrawn
audit-enrolment-begun = Photos sent for enrolment
audit-enrolment-finished = Enrolment finished
audit-template-removed = Template removed
audit-breach-listed = People of a breach listed
audit-person-erased = Person erased
problem-consent-missing = Record the consent of the person first.
problem-enrolment-waiting = The photos of the person are being analysed. Wait for the report first.
problem-number-of-photos = Choose 1 to 10 photos.
problem-photo-too-large = A photo is larger than 25 MB.
problem-too-many-templates = The person has many templates already. Remove some first.
problem-wrong-number = This is not the number of the person.
problem-unknown-text = The text of consent has changed. Reload the page.
problem-unknown-language = This language is not known.
