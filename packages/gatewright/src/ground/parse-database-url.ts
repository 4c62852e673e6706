import { type Kind, knownMistakes } from './parse-setting.ts'

const sqliteForm = /^sqlite:(?!\/\/)[^\0]+$/

/** A server and the name of a database on it; user and password may stand elsewhere (`PGUSER`, `PGPASSFILE`). */
const isPostgresAddress = (text: string): boolean => {
  const url = /^postgres(ql)?:\/\/[^\s\0]+$/.test(text) ? URL.parse(text) : null
  return url !== null && /^\/[^/]+$/.test(url.pathname) && url.hash === ''
}

/** The address without its password: what may be shown of it. */
const withoutPassword = (text: string): string =>
  text.replace(/^(postgres(?:ql)?:\/\/[^:@/]*):[^@]*@/, '$1:hidden@')

const postgresExpects = 'postgres://<user>:<password>@<host>:<port>/<database>'

const mistakes = [
  [/^sqlite:\/\//, 'write sqlite:<file> without the two slashes'],
  [
    /^postgres(ql)?:/i,
    `write ${postgresExpects}, with characters such as @ and / in a password percent-encoded`,
  ],
] as const

export const postgresUrl = {
  parse: (text: string) => (isPostgresAddress(text) ? text : undefined),
  expects: postgresExpects,
  explain: knownMistakes(mistakes[1]),
  shown: withoutPassword,
} satisfies Kind<string> & { readonly shown: (value: string) => string }

export const databaseUrl = {
  parse: (text: string) => (sqliteForm.test(text) || isPostgresAddress(text) ? text : undefined),
  expects: `sqlite:<file>, such as sqlite:./data/gatewright.db, or ${postgresExpects}`,
  explain: knownMistakes(...mistakes),
  shown: withoutPassword,
} satisfies Kind<string> & { readonly shown: (value: string) => string }
