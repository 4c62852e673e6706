/** What a finding says in its source, and the test that provokes it where it stands apart from those of all checks. */
type Row = readonly [file: string, says: string, test: string]

/** They need a server of PostgreSQL, another process or a queue: a row each, by the words of the finding. */
export const provokedElsewhere: readonly Row[] = [
  [
    'address-check.ts',
    'a server on ',
    'is said by /readyz, which is ready all the same, and by doctor, for another process',
  ],
  ['audit-check.ts', 'the oldest audit event is of', 'where nothing deletes, doctor says so'],
  [
    'hook-checks.ts',
    'given up after',
    'is left alone after its last attempt; the log and the doctor name the event',
  ],
  ['hook-checks.ts', 'waiting, the oldest', 'the doctor says what waits, and when nobody takes it'],
  [
    'mail-checks.ts',
    'given up: ',
    'the doctor sees mail that nobody sends, and mail that was given up, and never says to whom',
  ],
  [
    'mail-checks.ts',
    'waiting, the oldest',
    'the doctor sees mail that nobody sends, and mail that was given up, and never says to whom',
  ],
  [
    'server-checks.ts',
    'can only be read: default_transaction_read_only is on',
    'finds a newer version, a role that only reads, one that is less durable, and a pool that is too large',
  ],
  ['server-checks.ts', 'audit events`', 'says that grants protect nothing where one role does everything'],
  [
    'server-checks.ts',
    'found,\n    means: ',
    'finds a newer version, a role that only reads, one that is less durable, and a pool that is too large',
  ],
  [
    'secret-age.ts',
    'the password of the role',
    'the password of the database is changed as its page says, while all goes on: from one role to another',
  ],
]
