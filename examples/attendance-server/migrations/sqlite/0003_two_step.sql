-- The second step of signing in: codes of an authenticator app (RFC 6238). An account has at most one row.
CREATE TABLE two_step (
    org BLOB NOT NULL,
    account BLOB NOT NULL,
    secret BLOB NOT NULL, -- sealed
    begun BIGINT NOT NULL,
    since BIGINT, -- the time of the first right code; until then no code is asked for
    last_step BIGINT NOT NULL DEFAULT 0, -- the 30 s of the newest code that was used: an older code is used up
    PRIMARY KEY (org, account),
    FOREIGN KEY (org, account) REFERENCES account (org, id)
);

-- Codes for those who have lost their app. Only hashes are kept.
CREATE TABLE recovery_code (
    org BLOB NOT NULL,
    account BLOB NOT NULL,
    hash BLOB NOT NULL,
    used BIGINT,
    PRIMARY KEY (org, account, hash),
    FOREIGN KEY (org, account) REFERENCES two_step (org, account)
);
