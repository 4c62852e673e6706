import assert from 'node:assert/strict'
import type { Answer, TestApp } from '../harness.ts'

/** A private route, a public one, and one that reads its credential by itself. */
export const doors = [
  ['GET', 'me'],
  ['GET', 'posts'],
  ['POST', 'logout'],
] as const

/** All that an answer tells, but for the id of the request. */
export const toldBy = ({ status, headers, body }: Answer) => {
  const { request_id, ...told } = body
  return { status, challenge: headers['www-authenticate'], type: headers['content-type'], told }
}

export const invalid = {
  status: 401,
  challenge: 'Bearer error="invalid_token", error_description="The token is not valid."',
  type: 'application/problem+json; charset=utf-8',
  told: {
    type: 'http://localhost:3000/docs/errors#invalid_token',
    title: 'Invalid token',
    status: 401,
    detail: 'The token is not valid.',
    code: 'invalid_token',
  },
}

/** Why the last request was refused: the log says it, the answer does not. */
export const lastReason = ({ logLines }: TestApp): unknown => JSON.parse(logLines.at(-1) ?? '{}').reason

/** Every door refuses the token, tells the caller nothing, and the log this reason. */
export const assertRefused = async (t: TestApp, token: string, reason?: string): Promise<void> => {
  for (const [method, path] of doors) {
    assert.deepEqual(toldBy(await t.call(method, path, { token })), invalid, path)
    if (reason !== undefined) assert.equal(lastReason(t), reason, path)
  }
}
