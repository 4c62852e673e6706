import type { Rotation } from '../administration/signing-keys.ts'
import { toTimestamp } from '../ground/clock.ts'
import { defineCommand, type Result } from './command.ts'
import { withEngine } from './engine.ts'

const toResult = ({ kid, waitsUntil }: Rotation): Result => {
  if (waitsUntil === undefined)
    return {
      text: `${kid} signs from now on. Tokens of the key before it are good until they expire.`,
      json: { rotated: true, kid, rotates_at: null },
    }
  const when = toTimestamp(waitsUntil)
  return {
    text: `${kid} signs until ${when}: the next key was published too lately for every verifier to know it. A running server rotates then.`,
    json: { rotated: false, kid, rotates_at: when },
  }
}

export const keyRotate = defineCommand({
  name: 'key rotate',
  summary: 'Lets the next signing key sign. Tokens of the one before it stay good until they expire.',
  parameters: {},
  options: {},
  example: 'key rotate',
  run: async () => {
    const { rotateKeys } = await import('../administration/signing-keys.ts')
    const { commandLineOrigin } = await import('../audit/record.ts')
    return withEngine('must exist', async engine => toResult(await rotateKeys(engine, commandLineOrigin)))
  },
})
