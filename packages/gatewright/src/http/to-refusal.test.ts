import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes } from 'fastify'
import { statuses } from './problem.ts'
import { toRefusal } from './to-refusal.ts'

/** What Fastify calls 400 although only we can have done it: a content type parser that is added too late. */
const ours = ['FST_ERR_CTP_INSTANCE_ALREADY_STARTED']

test('what Fastify refuses as the fault of the caller is told as the fault of the caller', () => {
  for (const [name, FastifyError] of Object.entries(errorCodes)) {
    const error = new FastifyError()
    if ((error.statusCode ?? 500) < 500 && !ours.includes(name))
      assert.ok(statuses[toRefusal(error).code] < 500, name)
  }
})

test('what nobody expected is an internal error, whatever was thrown', () => {
  for (const thrown of [
    new Error('a secret'),
    new TypeError(),
    'text',
    null,
    undefined,
    { code: 'not_found' },
  ]) {
    const refusal = toRefusal(thrown)
    assert.equal(refusal.code, 'internal_error')
    assert.doesNotMatch(refusal.message, /secret/)
  }
})
