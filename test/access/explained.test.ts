import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Thing } from 'gatewright/access'
import {
  type AccessDependencies,
  type Asked,
  checkAccess,
  explainAccess,
} from '../../packages/gatewright/src/gate/check-access.ts'
import { newPassage } from '../../packages/gatewright/src/gate/passage.ts'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import type { TracePart, Verdict } from '../../packages/gatewright/src/permissions/access-rule.ts'
import type { AccessTrace } from '../../packages/gatewright/src/permissions/decide-access.ts'
import { plantTotp } from '../factors/enrolled.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { createSeeded, type Seeded } from '../sessions/seeded.ts'
import { addUser } from '../sessions/signed-in.ts'
import { kinds, randomPrincipal, randomRule, randomThing } from './random-access.ts'

let t: TestApp
/** Ann has a second factor, Ben has none. */
let userIds: readonly string[]
before(async () => {
  t = await startTestApp()
  const [ann, ben] = [await addUser(t.engine, 'ann'), await addUser(t.engine, 'ben')]
  await plantTotp(t.engine, ann.id)
  userIds = [ann.id, ben.id]
})
after(() => t.close())

type Case = { readonly gate: AccessDependencies; readonly asked: Asked }

const randomCase = (random: Seeded): Case => {
  const thing: Thing | undefined = randomThing(random, userIds)
  const { db, clock, roleTable, permissionUses } = t.engine
  const rule = {
    access: randomRule(random),
    limit: 'read',
    audit: 'none',
    ...(random.oneIn(2) && { principals: kinds.filter(() => random.oneIn(2)) }),
    ...(random.oneIn(8) && { furtherAccess: randomRule(random) }),
  } as const
  const principal = randomPrincipal(random, clock.now(), userIds)
  const thingId = random.oneIn(10) ? random.pick([undefined, 'not plain']) : 'post'
  return {
    gate: { db, clock, roleTable, permissionUses, things: new Map([['post', async () => thing]]) },
    asked: { rule, principal, thingId },
  }
}

/** What the gate's own step says. */
const judge = async ({ gate, asked: { rule, principal, thingId } }: Case): Promise<string> => {
  const arrived = { rule, thingId, requestId: '', method: 'GET', peer: undefined, rawHeaders: [] }
  const passage = { ...newPassage(arrived), principal }
  try {
    await checkAccess(gate, passage)
    return 'allowed'
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { maxAge, reason } = error.details
    return JSON.stringify([error.code, maxAge, reason === 'no_credential' ? undefined : reason])
  }
}

const show = (verdict: Verdict): string =>
  verdict.allowed ? 'allowed' : JSON.stringify([verdict.code, verdict.maxAge, verdict.reason])

/** A part of the trace follows from its own parts, and tells all of them. */
const checkPart = (part: TracePart): void => {
  const { rule, verdict, parts } = part
  assert.deepEqual(
    parts.map(each => each.rule),
    'rules' in rule ? rule.rules : [],
  )
  if (rule.kind === 'any-of')
    assert.equal(
      verdict.allowed,
      parts.some(each => each.verdict.allowed),
    )
  if (rule.kind === 'all-of')
    assert.equal(verdict.allowed, parts.length > 0 && parts.every(each => each.verdict.allowed))
  parts.forEach(checkPart)
}

const checkTrace = ({ kinds: kind, rule, factor }: AccessTrace, verdict: Verdict): void => {
  const asked = [kind, rule?.verdict, factor ?? { allowed: true as const }]
  assert.deepEqual(asked.find(each => !each?.allowed) ?? { allowed: true }, verdict)
  if (rule !== undefined) checkPart(rule)
}

test('what is explained is what the gate decides: 10,000 random rules, callers and things', async test => {
  const random = createSeeded(test)
  const seen = new Map<string, number>()
  for (let n = 0; n < 10_000; n++) {
    const each = randomCase(random)
    const explained = await explainAccess(each.gate, each.asked)
    const said = show(explained.verdict)
    assert.equal(said, await judge(each), `${n}: ${JSON.stringify(each.asked)}`)
    checkTrace(explained.trace, explained.verdict)
    seen.set(said, (seen.get(said) ?? 0) + 1)
  }
  // Every kind of answer came, and often: ten thousand times the same would show nothing.
  for (const each of [
    'allowed',
    '["not_found",null,null]',
    '["invalid_token",null,null]',
    '["second_factor_required",null,null]',
    '["insufficient_permission",null,null]',
    '["insufficient_permission",null,"kind_of_principal"]',
    '["insufficient_user_authentication",600,null]',
    '["insufficient_user_authentication",600,"factor_not_shown"]',
  ])
    assert.ok((seen.get(each) ?? 0) >= 30, `${each}: ${JSON.stringify([...seen])}`)
})
