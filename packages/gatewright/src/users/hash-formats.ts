import { argon2Format } from './argon2-hash.ts'
import { bcryptFormat } from './bcrypt-hash.ts'
import { derivedKeyFormats } from './derived-key-hash.ts'
import type { HashFormat, ReadHash } from './hash-format.ts'

/** Every way to write a hash that verifies here. New ones are made by the first only. */
const hashFormats: readonly HashFormat[] = [argon2Format, bcryptFormat, ...derivedKeyFormats]

/** The stored hash, by the first format that can read it; undefined where none can. */
export const readHash = (stored: string): ReadHash | undefined => {
  for (const format of hashFormats) {
    const read = format.read(stored)
    if (read !== undefined) return read
  }
  return undefined
}
