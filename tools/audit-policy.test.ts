import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge, toExitCode } from './audit-policy.ts'

const report = (vulnerabilities: Record<string, { severity: string }>): string =>
  JSON.stringify({ vulnerabilities })

test('a high or critical vulnerability fails and is named', () => {
  for (const severity of ['high', 'critical']) {
    const verdict = judge(report({ left: { severity }, right: { severity: 'low' } }))
    assert.deepEqual(verdict, { kind: 'vulnerable', packages: [`left (${severity})`] })
    assert.equal(toExitCode(verdict, false), 1)
  }
})

test('a lower vulnerability passes and is counted', () => {
  const verdict = judge(report({ left: { severity: 'moderate' }, right: { severity: 'low' } }))
  assert.deepEqual(verdict, { kind: 'clean', minor: 2 })
  assert.equal(toExitCode(verdict, true), 0)
})

test('a service that does not answer passes, and fails where the check is strict', () => {
  const verdict = judge(
    JSON.stringify({ message: '405 Method Not Allowed', statusCode: 405, error: { summary: '' } }),
  )
  assert.deepEqual(verdict, { kind: 'no answer', reason: '405 Method Not Allowed' })
  assert.equal(toExitCode(verdict, false), 0)
  assert.equal(toExitCode(verdict, true), 1)
})

test('no output, half an output and another output are no answer', () => {
  for (const output of ['', '{"vulnerabilities": {', 'null', '[]', '"text"', '{}'])
    assert.equal(judge(output).kind, 'no answer', output)
})
