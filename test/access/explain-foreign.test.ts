import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { toForeignId } from '../../packages/gatewright/src/ground/foreign-id.ts'
import { type Caller, signUp } from '../harness.ts'
import { type Scene, startScene } from '../issuers/scene.ts'

let scene: Scene
let chief: Caller
before(async () => {
  scene = await startScene()
  chief = await signUp(scene.t, 'chief', ['admin'])
})
after(() => scene.close())

const explain = async (token: string, route: string) => {
  const answer = await scene.t.call('POST', 'admin/explain', { token: chief.access, body: { token, route } })
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

test('a token of another issuer is explained as the client that it makes, with what is mapped', async () => {
  const good = scene.token()
  const yes = await explain(good, 'GET /api/v1/users')
  assert.deepEqual(
    [yes.allowed, yes.principal.kind, yes.principal.permissions],
    [true, 'client', ['users:read']],
  )
  const no = await explain(good, 'GET /api/v1/todos')
  assert.deepEqual(
    [no.code, no.parts.at(-1).why],
    ['insufficient_permission', 'it is not among what this caller may'],
  )
  const wrongKind = await explain(good, 'GET /api/v1/me')
  assert.deepEqual([wrongKind.code, wrongKind.reason], ['insufficient_permission', 'kind_of_principal'])
})

test('whose it is is told, quoted, once its signature is good, and not of one that is forged', async () => {
  const { issuer } = scene.local
  const odd = 'a"\n\u001b[2Jb'
  const { parts, credential } = await explain(scene.token({ sub: odd }), 'GET /api/v1/users')
  assert.equal(parts[0].why, `issued by ${issuer} for the subject ${JSON.stringify(odd)}`)
  assert.equal(credential.user_id, toForeignId(issuer, odd))
  const late = await explain(scene.token({ aud: 'https://other.example.org' }), 'GET /api/v1/users')
  assert.equal(late.parts[0].why, `foreign_audience; issued by ${issuer} for the subject "somebody"`)
  const forged = `${scene.token().slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`
  const { parts: shown, credential: nobody } = await explain(forged, 'GET /api/v1/users')
  assert.deepEqual([shown[0].why, nobody.user_id], ['foreign_signature', null])
})

test('one that the gate refuses is refused with the same code', async () => {
  const now = Math.floor(scene.t.clock.now() / 1_000)
  for (const token of [
    scene.token({ aud: 'https://other.example.org' }),
    scene.token({}, { typ: 'JWT' }),
    scene.token({ iat: now - 700, exp: now - 60 }),
    `${scene.token().slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`,
  ]) {
    const sent = await scene.t.call('GET', 'users', { token })
    const { credential, code, principal } = await explain(token, 'GET /api/v1/users')
    assert.deepEqual(
      [code, credential.code, credential.valid, principal],
      [sent.body.code, code, false, null],
    )
    assert.equal(typeof credential.reason, 'string')
  }
})
