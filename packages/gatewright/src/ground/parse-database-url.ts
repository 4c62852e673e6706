import { type Kind, knownMistakes } from './parse-setting.ts'
import { parsePostgresAddress } from './postgres-address.ts'

const sqliteForm = /^sqlite:(?!\/\/|:memory:)[^\0]+$/

/** A server and the name of a database on it; user and password may stand elsewhere (`PGUSER`, `PGPASSFILE`). */
const isPostgresAddress = (text: string): boolean => parsePostgresAddress(text) !== undefined

/** The address without its password: what may be shown of it. */
const withoutPassword = (text: string): string =>
  text.replace(/^(postgres(?:ql)?:\/\/[^:@/]*):[^@]*@/, '$1:hidden@')

const postgresExpects = 'postgres://<user>:<password>@<host>:<port>/<database>'

const mistakes = [
  [/^sqlite:.*:memory:/, 'a database in memory forgets everything: write the path of a file'],
  [/^sqlite:\/\//, 'write sqlite:<file> without the two slashes'],
  [
    /^postgres(ql)?:\/\/[^/?]*\/[^/?]+\?(?:.*&)?sslmode=(?!(?:verify-full|no-verify|disable)(?:&|$))/,
    'write sslmode=verify-full, sslmode=no-verify or sslmode=disable',
  ],
  [
    /^postgres(ql)?:\/\/[^/?]*\/[^/?]+\?/,
    'write no other parameters than sslmode, sslrootcert, sslcert, sslkey, host and options',
  ],
  [
    /^postgres(ql)?:/i,
    `write ${postgresExpects}, with characters such as @ and / in a password percent-encoded`,
  ],
] as const

export const postgresUrl = {
  parse: (text: string) => (isPostgresAddress(text) ? text : undefined),
  expects: postgresExpects,
  explain: knownMistakes(...mistakes.slice(2)),
  shown: withoutPassword,
} satisfies Kind<string> & { readonly shown: (value: string) => string }

export const databaseUrl = {
  parse: (text: string) => (sqliteForm.test(text) || isPostgresAddress(text) ? text : undefined),
  expects: `sqlite:<file>, such as sqlite:./data/gatewright.db, or ${postgresExpects}`,
  explain: knownMistakes(...mistakes),
  shown: withoutPassword,
} satisfies Kind<string> & { readonly shown: (value: string) => string }
