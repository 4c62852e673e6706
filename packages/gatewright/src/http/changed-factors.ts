import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Engine } from '../compose.ts'
import type { ChangedFactors, Owner } from '../sign-in/own-factors.ts'
import { originOf, principalOf } from './request.ts'
import { anyText, integer, list, madeUpRecoveryCode, strictObject } from './schemas.ts'
import { answerRenewed } from './session-cookie.ts'

/** Whose factors a request changes, from which session. */
export const ownerOf = (request: FastifyRequest): Owner => {
  const { userId, sessionId } = principalOf(request)
  return { userId, sessionId, origin: originOf(request) }
}

/** A set of recovery codes for examples. */
export const recoveryCodesExample = Array.from({ length: 10 }, () => madeUpRecoveryCode)

const pair = {
  access_token: anyText,
  refresh_token: anyText,
  token_type: { const: 'Bearer' },
  expires_in: integer,
} as const

const recovery_codes = list(anyText)

/** The replacement of the session, and recovery codes where there are new ones. */
export const changedAnswer = {
  anyOf: [
    strictObject({ ...pair, recovery_codes }, ['recovery_codes']),
    strictObject({ csrf_token: anyText, recovery_codes }, ['recovery_codes']),
  ],
} as const

/** The same, and what was added. */
export const addedAnswer = <const Added extends Parameters<typeof strictObject>[0]>(added: Added) =>
  ({
    anyOf: [
      strictObject({ ...added, ...pair, recovery_codes }, ['recovery_codes']),
      strictObject({ ...added, csrf_token: anyText, recovery_codes }, ['recovery_codes']),
    ],
  }) as const

export const answerChanged = async (
  engine: Engine,
  reply: FastifyReply,
  change: () => Promise<ChangedFactors>,
) => {
  let codesMade: ChangedFactors['recoveryCodes']
  const answer = await answerRenewed(engine, reply, async () => {
    const { renewed, recoveryCodes } = await change()
    codesMade = recoveryCodes
    return renewed
  })
  return { ...answer, ...(codesMade && { recovery_codes: [...codesMade] }) }
}
