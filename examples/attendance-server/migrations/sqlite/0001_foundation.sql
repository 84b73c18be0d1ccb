-- Ids are 16 bytes, times are microseconds since 1970 (UTC), dates are texts such as 2026-03-02, truth values are 0 and 1.
-- Every key begins with the organisation. "Sealed" columns are encrypted with the key of the person or account.

CREATE TABLE installation (
    id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    secret BLOB NOT NULL -- authenticates cursors, and makes the hashes by which mail addresses are found
);

CREATE TABLE organisation (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    next_event BIGINT NOT NULL DEFAULT 1,
    next_audit BIGINT NOT NULL DEFAULT 1,
    audit_head BLOB NOT NULL,
    people_version BIGINT NOT NULL DEFAULT 0, -- of the index of people in memory
    evaluated_by TEXT NOT NULL DEFAULT '' -- version of the rules that made the days
);

CREATE TABLE site (
    org BLOB NOT NULL REFERENCES organisation (id),
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, name)
);

-- Immutable. A version applies from its first day until the day before the next one. The text has the site's time zone.
CREATE TABLE policy_version (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    site BLOB NOT NULL,
    applies_from TEXT NOT NULL,
    toml TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, site, applies_from, created),
    FOREIGN KEY (org, site) REFERENCES site (org, id)
);

CREATE TABLE person (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    site BLOB NOT NULL,
    details BLOB NOT NULL, -- sealed: number, name, mail
    joined TEXT,
    left_on TEXT,
    pin_hash TEXT,
    deactivated BIGINT,
    erased BIGINT,
    evaluated_at BIGINT, -- the days are as of this time
    closed_through TEXT, -- days up to this one are closed, since they were when the person left an earlier site
    version BIGINT NOT NULL DEFAULT 1,
    created BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    FOREIGN KEY (org, site) REFERENCES site (org, id)
);

-- Consents to the use of face data. At most one of a person holds.
CREATE TABLE consent (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    person BLOB NOT NULL,
    text_version TEXT NOT NULL,
    language TEXT NOT NULL,
    given BIGINT NOT NULL,
    given_by TEXT NOT NULL,
    withdrawn BIGINT,
    withdrawn_by TEXT,
    PRIMARY KEY (org, id),
    FOREIGN KEY (org, person) REFERENCES person (org, id)
);
CREATE UNIQUE INDEX consent_that_holds ON consent (org, person) WHERE withdrawn IS NULL;

CREATE TABLE enrolment (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    person BLOB NOT NULL,
    state TEXT NOT NULL, -- waiting, done or failed
    photos BIGINT NOT NULL,
    seen BIGINT NOT NULL, -- photos that were analysed
    report BLOB, -- sealed JSON
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    finished BIGINT,
    PRIMARY KEY (org, id),
    FOREIGN KEY (org, person) REFERENCES person (org, id)
);
CREATE INDEX enrolment_of_person ON enrolment (org, person, created);
CREATE INDEX enrolment_state ON enrolment (state, created);

-- Photos of enrolments that wait. They are removed when they were analysed.
CREATE TABLE enrolment_photo (
    org BLOB NOT NULL,
    enrolment BLOB NOT NULL,
    number BIGINT NOT NULL,
    photo BLOB NOT NULL, -- sealed
    PRIMARY KEY (org, enrolment, number),
    FOREIGN KEY (org, enrolment) REFERENCES enrolment (org, id)
);

CREATE TABLE template (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    person BLOB NOT NULL,
    enrolment BLOB NOT NULL,
    origin TEXT NOT NULL, -- the enrolment and the number of the photo
    space TEXT NOT NULL, -- of the embedding
    quality REAL NOT NULL,
    sealed BLOB NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, person, space, origin),
    FOREIGN KEY (org, person) REFERENCES person (org, id),
    FOREIGN KEY (org, enrolment) REFERENCES enrolment (org, id)
);

-- Keys that the vault must still forget, because their people were erased.
CREATE TABLE forgetting (
    org BLOB NOT NULL,
    subject BLOB NOT NULL,
    queued BIGINT NOT NULL,
    PRIMARY KEY (org, subject)
);

CREATE TABLE account (
    org BLOB NOT NULL REFERENCES organisation (id),
    id BLOB NOT NULL,
    person BLOB,
    mail_hash BLOB NOT NULL UNIQUE,
    details BLOB NOT NULL, -- sealed: name, mail
    password_hash TEXT, -- none until an invitation is accepted
    disabled BIGINT,
    version BIGINT NOT NULL DEFAULT 1,
    created BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    FOREIGN KEY (org, person) REFERENCES person (org, id)
);

-- Roles of accounts. Without a site, the role is for the whole organisation.
CREATE TABLE account_role (
    org BLOB NOT NULL,
    account BLOB NOT NULL,
    role TEXT NOT NULL,
    site BLOB,
    UNIQUE (org, account, role, site),
    FOREIGN KEY (org, account) REFERENCES account (org, id),
    FOREIGN KEY (org, site) REFERENCES site (org, id)
);

CREATE TABLE device (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    site BLOB NOT NULL,
    name TEXT NOT NULL,
    place TEXT,
    disabled BIGINT,
    last_seen BIGINT,
    version BIGINT NOT NULL DEFAULT 1,
    created BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, name),
    FOREIGN KEY (org, site) REFERENCES site (org, id)
);

-- Browser sessions, API tokens, tokens of devices, invitations, badges, and the one-time set-up. Only hashes are kept.
CREATE TABLE token (
    id BLOB PRIMARY KEY NOT NULL,
    org BLOB REFERENCES organisation (id), -- none for the set-up
    kind TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    label TEXT NOT NULL,
    account BLOB,
    device BLOB,
    person BLOB,
    role TEXT, -- of an API token
    site BLOB, -- of an API token that is limited to a site
    created BIGINT NOT NULL,
    last_used BIGINT,
    expires BIGINT,
    revoked BIGINT,
    FOREIGN KEY (org, account) REFERENCES account (org, id),
    FOREIGN KEY (org, device) REFERENCES device (org, id),
    FOREIGN KEY (org, person) REFERENCES person (org, id)
);
CREATE INDEX token_of_org ON token (org, kind, id);

-- Immutable: what a device saw. Refused and repeated sightings are kept, since policies change.
CREATE TABLE sighting (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    device BLOB NOT NULL,
    boot TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    received BIGINT NOT NULL,
    person BLOB, -- none if nobody was recognized
    source TEXT NOT NULL,
    score REAL,
    liveness REAL,
    answer TEXT NOT NULL, -- JSON: what the device was told
    PRIMARY KEY (org, id),
    UNIQUE (org, device, boot, sequence),
    FOREIGN KEY (org, device) REFERENCES device (org, id),
    FOREIGN KEY (org, person) REFERENCES person (org, id)
);
CREATE INDEX sighting_at ON sighting (org, at);

-- Immutable.
CREATE TABLE punch (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    person BLOB NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    device BLOB,
    sighting BLOB,
    liveness REAL,
    created BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    FOREIGN KEY (org, person) REFERENCES person (org, id)
);
CREATE INDEX punch_of_person ON punch (org, person, at);
CREATE INDEX punch_at ON punch (org, at);

-- Immutable. An undone correction has another one that undoes it.
CREATE TABLE correction (
    org BLOB NOT NULL,
    id BLOB NOT NULL,
    person BLOB NOT NULL,
    made BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    reason BLOB NOT NULL, -- sealed
    change TEXT NOT NULL, -- JSON: a `Change` of the rules
    first_date TEXT NOT NULL, -- the first day that it can change
    undone_by BLOB,
    PRIMARY KEY (org, id),
    FOREIGN KEY (org, person) REFERENCES person (org, id)
);
CREATE INDEX correction_of_person ON correction (org, person, made);

-- Derived from punches, corrections and policies.
CREATE TABLE day (
    org BLOB NOT NULL,
    person BLOB NOT NULL,
    date TEXT NOT NULL,
    status TEXT NOT NULL,
    is_final BIGINT NOT NULL,
    record TEXT NOT NULL, -- JSON: a `DayRecord` of the rules
    policy BLOB NOT NULL,
    rules TEXT NOT NULL,
    PRIMARY KEY (org, person, date),
    FOREIGN KEY (org, person) REFERENCES person (org, id)
);
CREATE INDEX day_date ON day (org, date, status);

CREATE TABLE period_lock (
    org BLOB NOT NULL,
    site BLOB NOT NULL,
    through TEXT NOT NULL, -- days up to this one are closed
    set_at BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (org, site),
    FOREIGN KEY (org, site) REFERENCES site (org, id)
);

-- Immutable: what changed, without gaps and in the order of the commits.
CREATE TABLE event (
    org BLOB NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    site BLOB, -- only people who see the site see the event
    person BLOB,
    data TEXT NOT NULL,
    PRIMARY KEY (org, seq)
);

-- Immutable: a chain of hashes. The hashes cover sealed details, so that erasing a person leaves them valid.
CREATE TABLE audit (
    org BLOB NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject BLOB,
    personal BIGINT NOT NULL, -- the subject is a person or an account, whose key seals the detail
    detail BLOB NOT NULL, -- sealed
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (org, seq)
);

CREATE TABLE idempotency (
    org BLOB NOT NULL,
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    subject BLOB NOT NULL, -- the person or the organisation whose key seals the answer
    answer BLOB NOT NULL, -- sealed
    until BIGINT NOT NULL,
    PRIMARY KEY (org, principal, key)
);
CREATE INDEX idempotency_until ON idempotency (until);
