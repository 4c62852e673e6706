import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'
import { type Cast, makeCast } from '../senders.ts'
import { exchange, listen, toRequest } from './raw-http.ts'

let t: TestApp
let cast: Cast
let port: number
let token: string
before(async () => {
  t = await startTestApp()
  cast = await makeCast(t)
  port = await listen(t)
  token = cast.owner.access
})
after(() => t.close())

type Headers = Readonly<Record<string, string | readonly string[]>>

/** Status and code, over a real connection: what a header looks like there is what counts. */
const ask = async (target: string, headers: Headers, method = 'GET'): Promise<string> => {
  const { status, body } = await exchange(port, toRequest(method, target, headers))
  return status < 400 ? String(status) : `${status} ${JSON.parse(body).code}`
}

const me = '/api/v1/me'
/** A private route, a public one, and one that reads its credential by itself. */
const doors = [
  [me, 'GET'],
  ['/api/v1/posts', 'GET'],
  ['/api/v1/logout', 'POST'],
] as const

const several: Readonly<Record<string, () => Headers>> = {
  'the same access token twice': () => ({ authorization: [`Bearer ${token}`, `Bearer ${token}`] }),
  'a good access token before a bad one': () => ({ authorization: [`Bearer ${token}`, 'Bearer x'] }),
  'a bad access token before a good one': () => ({ authorization: ['Bearer x', `Bearer ${token}`] }),
  'an access token and Basic': () => ({ authorization: [`Bearer ${token}`, 'Basic YTpi'] }),
  'an access token and an empty header': () => ({ authorization: [`Bearer ${token}`, ''] }),
  'two spellings of one header': () => ({ authorization: `Bearer ${token}`, AUTHORIZATION: 'Bearer x' }),
  'an access token and an API key': () => ({ authorization: `Bearer ${token}`, 'x-api-key': 'gwk_a' }),
  'an access token and an empty API key': () => ({ authorization: `Bearer ${token}`, 'X-API-Key': '' }),
  'two API keys': () => ({ 'x-api-key': ['gwk_a', 'gwk_b'] }),
}
for (const [what, make] of Object.entries(several))
  test(`credential confusion: ${what} is refused, and none of them is chosen`, async () => {
    for (const [target, method] of doors)
      assert.equal(await ask(target, make(), method), '400 several_credentials', target)
  })

const useless: Readonly<Record<string, () => string>> = {
  'an empty header': () => '',
  'the scheme alone': () => 'Bearer',
  'the scheme and a space': () => 'Bearer ',
  'the token alone': () => token,
  'the token without a space behind the scheme': () => `Bearer${token}`,
  'a tab behind the scheme': () => `Bearer\t${token}`,
  'another scheme': () => `Token ${token}`,
  'a scheme that begins like ours': () => `BearerX ${token}`,
  'a scheme that ends like ours': () => `XBearer ${token}`,
  Basic: () => `Basic ${Buffer.from(`${cast.owner.username}:${token}`).toString('base64')}`,
  'Basic with the token itself': () => `Basic ${token}`,
  DPoP: () => `DPoP ${token}`,
  'two tokens in one header': () => `Bearer ${token}, Bearer ${token}`,
  'two schemes in one header': () => `Basic YTpi, Bearer ${token}`,
  'a token in quotes': () => `Bearer "${token}"`,
  'a token with a word behind it': () => `Bearer ${token} x`,
  'a token with a parameter': () => `Bearer ${token}; a=b`,
  'a token with a comma': () => `Bearer ${token},`,
  'a token behind a no-break space': () => `Bearer \u00a0${token}`,
  'a token before a no-break space': () => `Bearer ${token}\u00a0`,
  'a token with a form feed': () => `Bearer ${token}\f`,
  'a token in two halves': () => `Bearer ${token.slice(0, 40)} ${token.slice(40)}`,
  'the scheme twice': () => `Bearer Bearer ${token}`,
  'a word for nothing': () => 'Bearer null',
  'a word for nobody': () => 'Bearer undefined',
}
for (const [what, make] of Object.entries(useless))
  test(`credential confusion: ${what} is no credential, and not nobody either`, async () => {
    for (const [target, method] of doors) {
      const answer = await ask(target, { authorization: make() }, method)
      assert.ok(['401 invalid_token', '400 malformed_request'].includes(answer), `${target}: ${answer}`)
    }
  })

test('the scheme may be written in any case and with several spaces (RFC 9110 §11.1)', async () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR'])
    for (const space of [' ', '   '])
      assert.equal(await ask(me, { authorization: `${scheme}${space}${token}` }), '200')
})

const elsewhere = [
  ...['proxy-authorization', 'x-authorization', 'x-access-token', 'x-auth-token', 'authorization-'],
  ...['authorization_', 'x-forwarded-authorization', 'cookie', 'sec-websocket-protocol'],
]

test('an access token in any other header lets nobody in', async () => {
  for (const name of elsewhere)
    for (const value of [token, `Bearer ${token}`, `access_token=${token}`, `gw_session=${token}`])
      assert.equal(await ask(me, { [name]: value }), '401 invalid_token', name)
})

test('an access token in the query lets nobody in', async () => {
  for (const name of ['access_token', 'token', 'jwt', 'authorization', 'api_key'])
    assert.equal(await ask(`${me}?${name}=${token}`, {}), '401 invalid_token', name)
})

const asserted = [
  'x-forwarded-user',
  'x-remote-user',
  'remote-user',
  'x-user-id',
  'x-user',
  'x-username',
  'x-role',
]
const ours = ['x-gatewright-principal', 'x-gatewright-user', 'x-gatewright-roles', 'x-gatewright-assertion']

test('identity spoofing: no header says who the caller is', async () => {
  const { id, username } = cast.senders.administrator
  for (const name of [...asserted, ...ours])
    for (const value of [id ?? '', username ?? '', 'admin', '1'])
      assert.equal(await ask(me, { [name]: value }), '401 invalid_token', name)
})

test('identity spoofing: no header gives a signed-in caller more than the roles that the user has', async () => {
  for (const name of [...asserted, ...ours, 'x-roles', 'x-permissions', 'x-scope', 'x-admin'])
    assert.equal(
      await ask('/api/v1/users', {
        authorization: cast.senders.roleless.headers.authorization ?? '',
        [name]: 'admin',
      }),
      '403 insufficient_permission',
      name,
    )
})

test('no log line holds the token of any of these requests', () => {
  for (const line of t.logLines) assert.ok(!line.includes(token.slice(-40)), line)
})
