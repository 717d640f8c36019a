-- How far others said that they have this device's journals as they are here: what lies behind that can be taken back.
CREATE TABLE acknowledged (
    volume INTEGER PRIMARY KEY,
    seq    INTEGER NOT NULL
);
