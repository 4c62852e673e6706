import * as bcrypt from '@node-rs/bcrypt'
import type { HashFormat } from './hash-format.ts'

/** About a second of one thread. */
const mostCost = 14

/** All that bcrypt looks at. */
const mostBytes = 72

/** Salt and output end in a character with bits to spare, which must be zero. */
const form = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/

/**
 * bcrypt as most programs write it. It knows 72 bytes and, in C, ends at a NUL. Whoever typed more than 72
 * is believed by the first 72, as before; but the hash is kept then: a new one of all that was typed would make
 * a slip behind them the password. What has a NUL in it is never right: a part of it might have been hashed.
 * `$2x$` marks hashes of a program with a flaw and is not read.
 */
export const bcryptFormat: HashFormat = {
  name: 'bcrypt',
  read: stored => {
    const cost = Number(form.exec(stored)?.[1] ?? 0)
    if (cost < 4 || cost > mostCost) return undefined
    return {
      verify: password => {
        const same = bcrypt.verifySync(Buffer.from(password).subarray(0, mostBytes), stored)
        return same && !password.includes('\0')
      },
      needsRehash: password => Buffer.byteLength(password) <= mostBytes,
    }
  },
}
