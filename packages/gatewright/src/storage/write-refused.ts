import { NotOnDisk } from './write-log.ts'

/** SQLite's primary codes (sqlite.org/rescode.html): what is there can be read all the same. */
const codes: Readonly<Record<number, string>> = {
  8: 'the file of the database, or its disk, may only be read',
  10: 'the disk fails',
  13: 'the disk is full',
}

/** PostgreSQL's of the same. */
const states: Readonly<Record<string, string>> = {
  '25006': 'the PostgreSQL server only reads',
  '53100': 'the disk of the PostgreSQL server is full',
  '58030': 'the disk of the PostgreSQL server fails',
}

const describe = (error: Error): string | undefined => {
  if ('errcode' in error && typeof error.errcode === 'number') return codes[error.errcode & 0xff]
  return 'code' in error ? states[String(error.code)] : undefined
}

/** Why the database took no write though it can be read, where it was so; undefined for every other failure. */
export const whyWriteRefused = (error: unknown): string | undefined => {
  if (error instanceof NotOnDisk) return 'the disk does not take what is written'
  return error instanceof Error ? describe(error) : undefined
}
