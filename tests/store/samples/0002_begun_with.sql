INSERT INTO begun_with (fact, value) VALUES ('operator', <61636d65>);
