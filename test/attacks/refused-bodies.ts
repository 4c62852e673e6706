import assert from 'node:assert/strict'
import type { Answer, TestApp } from '../harness.ts'
import { readTables } from '../table-contents.ts'
import { type Attacker, type Field, listBodyRoutes, type Request, withValue } from './surface.ts'

export type Attack = { readonly request: Request; readonly where: string }

type Wrong = { readonly field: Pick<Field, 'route' | 'at'>; readonly value: unknown }

export const textOf = ({ body }: Request): string => JSON.stringify(body ?? {})

const pathsOf = ({ body }: Answer): readonly string[] =>
  (body.errors ?? []).map(({ path }: { readonly path: string }) => path)

export type Refusals = ReturnType<typeof createRefusals>

/** Ways to send many requests that must all be refused: what they changed is asked once for all of them. */
export const createRefusals = (t: TestApp, attacker: Attacker) => {
  /** Sends requests that must all be refused with this code, and together change nothing. */
  const assertRefused = async (attacks: readonly Attack[], expected: string): Promise<readonly Answer[]> => {
    const before = await readTables(t)
    const answers: Answer[] = []
    for (const { request, where } of attacks) {
      const answer = await attacker.send(request)
      assert.equal(`${answer.status} ${answer.body?.code}`, expected, `${where}: ${answer.text}`)
      assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8', where)
      answers.push(answer)
    }
    assert.ok(answers.length > 0)
    assert.deepEqual(await readTables(t), before, 'one of them changed something')
    return answers
  }

  /** An attack for each of these, made of a request that would succeed. */
  const prepareEach = async <T>(
    targets: readonly T[],
    routeOf: (target: T) => string,
    change: (request: Request, target: T) => Attack,
  ): Promise<readonly Attack[]> => {
    const attacks: Attack[] = []
    for (const target of targets) attacks.push(change(await attacker.prepare(routeOf(target)), target))
    return attacks
  }

  /** For every route that takes a body. */
  const prepareEverywhere = (change: (request: Request, route: string) => Attack) =>
    prepareEach(listBodyRoutes(t), route => route, change)

  /** Sends a good request of every route that takes a body, with its text changed. */
  const refuseEverywhere = async (
    expected: string,
    change: (text: string) => string | Uint8Array,
  ): Promise<void> => {
    const attacks = await prepareEverywhere((request, route) => {
      const changed = change(textOf(request))
      const body = typeof changed === 'string' ? changed : Buffer.from(changed)
      return { request: { ...request, body }, where: `${route} ${String(changed).slice(0, 80)}` }
    })
    await assertRefused(attacks, expected)
  }

  /** Sends good requests with one field changed; each answer names the field. */
  const refuseFields = async (wrong: readonly Wrong[]): Promise<void> => {
    const attacks = await prepareEach(
      wrong,
      ({ field }) => field.route,
      (request, { field, value }) => ({
        request: withValue(request, { place: 'body', at: field.at }, value),
        where: `${field.route} /${field.at.join('/')} = ${JSON.stringify(value)}`,
      }),
    )
    const answers = await assertRefused(attacks, '400 validation_failed')
    for (const [at, answer] of answers.entries())
      assert.ok(
        pathsOf(answer).includes(`/${wrong[at]?.field.at.join('/')}`),
        `${attacks[at]?.where}: ${answer.text}`,
      )
  }

  return { assertRefused, prepareEach, prepareEverywhere, refuseEverywhere, refuseFields }
}
