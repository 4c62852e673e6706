import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { codeOf } from '../ground/error-code.ts'

/** How far the feed of a SQLite database has come. */
export type FeedPlace = { readonly epoch: string; readonly place: number }

/** The same, kept in a file beside it: a backup that is put in the database's place is behind. */
export type KeptPlace = FeedPlace & {
  /** The files that these were read from (`OpenFile`). */
  readonly pair: string
}

export const placeFile = (databaseFile: string): string => `${resolve(databaseFile)}.place`

const parse = (text: string): KeptPlace | undefined => {
  const [epoch = '', place = '', pair = ''] = text.trim().split(' ')
  return epoch !== '' && /^\d+$/.test(place) ? { epoch, place: Number(place), pair } : undefined
}

/** Undefined where there is none, or one that a loss of power has left empty. */
export const readPlaceFile = (databaseFile: string): KeptPlace | undefined => {
  try {
    return parse(readFileSync(placeFile(databaseFile), 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all. Not waited for by the disk: a file that is behind only notices less. */
export const writePlaceFile = (databaseFile: string, { epoch, place, pair }: KeptPlace): void => {
  const file = placeFile(databaseFile)
  const draft = `${file}.${process.pid}`
  try {
    writeFileSync(draft, `${epoch} ${place} ${pair}\n`, { mode: 0o600 })
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
