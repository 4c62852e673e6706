import { newId, systemRandom } from 'gatewright/random'
import { encode, type Forger } from './forger.ts'

/** The reason that the log has, and how the token is made. */
export type Attack = readonly [reason: string, forge: (forger: Forger) => string | Promise<string>]

const spellings = ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'no\u200bne']

const algorithms: Readonly<Record<string, Attack>> = {
  ...Object.fromEntries(
    spellings.map((alg): readonly [string, Attack] => [
      `alg ${JSON.stringify(alg)} without a signature`,
      ['token_algorithm', ({ header, claims }) => `${encode({ ...header, alg })}.${encode(claims)}.`],
    ]),
  ),
  'alg none with the signature of a good token': [
    'token_algorithm',
    ({ header, claims, signature }) => `${encode({ ...header, alg: 'none' })}.${encode(claims)}.${signature}`,
  ],
  'alg none with a good signature': ['token_algorithm', f => f.ours({ alg: 'none' })],
  'alg left out': ['token_algorithm', f => f.ours({ alg: undefined })],
  'alg empty': ['token_algorithm', f => f.ours({ alg: '' })],
  'alg null': ['token_algorithm', f => f.ours({ alg: null })],
  'alg as a list': ['token_algorithm', f => f.ours({ alg: ['ES256'] })],
  'alg of another curve': ['token_algorithm', f => f.ours({ alg: 'ES384' })],
  'alg in small letters': ['token_algorithm', f => f.ours({ alg: 'es256' })],
  'alg RS256 over our key': ['token_algorithm', f => f.ours({ alg: 'RS256' })],
  'alg PS256 over our key': ['token_algorithm', f => f.ours({ alg: 'PS256' })],
  'alg EdDSA over our key': ['token_algorithm', f => f.ours({ alg: 'EdDSA' })],
  'alg ES256K over our key': ['token_algorithm', f => f.ours({ alg: 'ES256K' })],
  'alg of a token that is to be decrypted': ['token_algorithm', f => f.ours({ alg: 'ECDH-ES' })],
  'HS512 with the public key in PEM as the secret': [
    'token_algorithm',
    f => f.byHmac(f.publicPem, { alg: 'HS512' }),
  ],
  'HS256 with the public key in PEM as the secret': ['token_algorithm', f => f.byHmac(f.publicPem)],
  'HS256 with the public key in PEM without its last line break': [
    'token_algorithm',
    f => f.byHmac(f.publicPem.trim()),
  ],
  'HS256 with the public key as a JWK as the secret': [
    'token_algorithm',
    f => f.byHmac(JSON.stringify(f.publicJwk)),
  ],
  'HS256 with a coordinate of the public key as the secret': [
    'token_algorithm',
    f => f.byHmac(Buffer.from(f.publicJwk.x ?? '', 'base64url')),
  ],
  'HS256 with an empty secret': ['token_algorithm', f => f.byHmac('')],
  'HS256 that says ES256': ['token_signature', f => f.byHmac(f.publicPem, { alg: 'ES256' })],
}

const keyIds: Readonly<Record<string, Attack>> = {
  'kid left out': ['token_key', f => f.ours({ kid: undefined })],
  'kid empty': ['token_key', f => f.ours({ kid: '' })],
  'kid null': ['token_key', f => f.ours({ kid: null })],
  'kid as a number': ['token_key', f => f.ours({ kid: 0 })],
  'kid as a list of the right one': ['token_key', f => f.ours({ kid: [f.header.kid] })],
  'kid unknown': ['token_key', f => f.ours({ kid: newId(systemRandom) })],
  'kid as a path': ['token_key', f => f.ours({ kid: '../../../../etc/passwd' })],
  'kid as a path to nothing, signed with nothing': ['token_key', f => f.byHmac('', { kid: '/dev/null' })],
  'kid as a file address': ['token_key', f => f.ours({ kid: 'file:///dev/null' })],
  'kid as a web address': ['token_key', f => f.ours({ kid: 'https://evil.example/key' })],
  'kid as SQL': ['token_key', f => f.ours({ kid: "' OR '1'='1" })],
  'kid as SQL that brings its own key': [
    'token_key',
    f => f.byHmac('key', { kid: "x' UNION SELECT 'key'--" }),
  ],
  'kid as a command': ['token_key', f => f.ours({ kid: '$(id)' })],
  'kid __proto__': ['token_key', f => f.ours({ kid: '__proto__' })],
  'kid constructor': ['token_key', f => f.ours({ kid: 'constructor' })],
  'kid prototype': ['token_key', f => f.ours({ kid: 'prototype' })],
  'kid hasOwnProperty': ['token_key', f => f.ours({ kid: 'hasOwnProperty' })],
  'kid toString': ['token_key', f => f.ours({ kid: 'toString' })],
  'kid true': ['token_key', f => f.ours({ kid: true })],
  'kid as an object': ['token_key', f => f.ours({ kid: { toString: f.header.kid } })],
  'kid in small letters': ['token_key', f => f.ours({ kid: ` ${f.header.kid}`.toLowerCase() })],
  'kid with a space behind it': ['token_key', f => f.ours({ kid: `${f.header.kid} ` })],
  'kid with a NUL behind it': ['token_json_text', f => f.ours({ kid: `${f.header.kid}\0` })],
  'kid of 5,000 characters': ['token_key', f => f.ours({ kid: 'k'.repeat(5_000) })],
}

const embedded: Readonly<Record<string, Attack>> = {
  'jwk with the key that signed it': ['token_header', f => f.theirs({ jwk: f.theirPublicJwk })],
  'jwk with the key that signed it, and no kid': [
    'token_header',
    f => f.theirs({ jwk: f.theirPublicJwk, kid: undefined }),
  ],
  'jwk with our own key': ['token_header', f => f.ours({ jwk: f.publicJwk })],
  'jku of another host': ['token_header', f => f.theirs({ jku: 'https://evil.example/jwks.json' })],
  'jku of our own host': [
    'token_header',
    f => f.ours({ jku: 'http://localhost:3000/.well-known/jwks.json' }),
  ],
  'x5u of another host': ['token_header', f => f.theirs({ x5u: 'https://evil.example/a.pem' })],
  'x5c with a certificate': ['token_header', f => f.theirs({ x5c: ['MIIB'] })],
  'x5t of a certificate': ['token_header', f => f.ours({ x5t: 'AAAA' })],
  'x5t#S256 of a certificate': ['token_header', f => f.ours({ 'x5t#S256': 'AAAA' })],
  'jwk null': ['token_header', f => f.ours({ jwk: null })],
  'p2c that would count for hours': ['token_header', f => f.ours({ alg: 'PBES2-HS256+A128KW', p2c: 1e9 })],
  'epk of a key agreement': ['token_header', f => f.ours({ epk: f.publicJwk })],
  'crit with a member that is there': ['token_header', f => f.ours({ crit: ['alg'] })],
  'crit with an unknown extension': ['token_header', f => f.ours({ crit: ['exp'], exp: 1 })],
  'crit empty': ['token_header', f => f.ours({ crit: [] })],
  'b64 false': ['token_header', f => f.ours({ b64: false, crit: ['b64'] })],
  'zip that would be unpacked': ['token_header', f => f.ours({ zip: 'DEF' })],
  'enc of another kind of token': ['token_header', f => f.ours({ enc: 'A256GCM' })],
  'cty of a token within': ['token_header', f => f.ours({ cty: 'JWT' })],
  'a member that nobody knows': ['token_header', f => f.ours({ x: 1 })],
}

const kinds: Readonly<Record<string, Attack>> = {
  'typ JWT': ['token_type', f => f.ours({ typ: 'JWT' })],
  'typ left out': ['token_type', f => f.ours({ typ: undefined })],
  'typ of a logout token': ['token_type', f => f.ours({ typ: 'logout+jwt' })],
  'typ in capital letters': ['token_type', f => f.ours({ typ: 'AT+JWT' })],
  'typ at+JWT': ['token_type', f => f.ours({ typ: 'at+JWT' })],
  'typ as a media type in capital letters': ['token_type', f => f.ours({ typ: 'application/AT+JWT' })],
  'typ of a DPoP proof': ['token_type', f => f.ours({ typ: 'dpop+jwt' })],
  'typ of a security event': ['token_type', f => f.ours({ typ: 'secevent+jwt' })],
  'typ with a space behind it': ['token_type', f => f.ours({ typ: 'at+jwt ' })],
  'typ with a parameter': ['token_type', f => f.ours({ typ: 'at+jwt;charset=utf-8' })],
  'typ empty': ['token_type', f => f.ours({ typ: '' })],
  'typ as a media type': ['token_type', f => f.ours({ typ: 'application/at+jwt' })],
  'typ as a list': ['token_type', f => f.ours({ typ: ['at+jwt'] })],
}

const claims: Readonly<Record<string, Attack>> = {
  'aud of another API': ['token_audience', f => f.ours({}, { aud: 'https://other.example' })],
  'aud as a list with ours in it': [
    'token_claim_aud',
    f => f.ours({}, { aud: ['http://localhost:3000', 'https://other.example'] }),
  ],
  'aud as a list of ours alone': ['token_claim_aud', f => f.ours({}, { aud: [f.claims.aud] })],
  'aud as an empty list': ['token_claim_aud', f => f.ours({}, { aud: [] })],
  'aud as an object': ['token_claim_aud', f => f.ours({}, { aud: { 0: f.claims.aud } })],
  'aud in capital letters': ['token_audience', f => f.ours({}, { aud: String(f.claims.aud).toUpperCase() })],
  'aud that is a star': ['token_audience', f => f.ours({}, { aud: '*' })],
  'aud with a slash at its end': ['token_audience', f => f.ours({}, { aud: 'http://localhost:3000/' })],
  'aud left out': ['token_claim_aud', f => f.ours({}, { aud: undefined })],
  'aud empty': ['token_claim_aud', f => f.ours({}, { aud: '' })],
  'iss of somebody else': ['token_issuer', f => f.ours({}, { iss: 'https://evil.example' })],
  'iss that begins like ours': [
    'token_issuer',
    f => f.ours({}, { iss: 'http://localhost:3000.evil.example' }),
  ],
  'iss with a slash at its end': ['token_issuer', f => f.ours({}, { iss: 'http://localhost:3000/' })],
  'iss in capital letters': ['token_issuer', f => f.ours({}, { iss: 'HTTP://LOCALHOST:3000' })],
  'iss by another scheme': ['token_issuer', f => f.ours({}, { iss: 'https://localhost:3000' })],
  'iss with a user name before the host': [
    'token_issuer',
    f => f.ours({}, { iss: 'http://localhost:3000@evil.example' }),
  ],
  'iss with a letter that looks the same': [
    'token_issuer',
    f => f.ours({}, { iss: 'http://l\u043ecalhost:3000' }),
  ],
  'iss with a line break behind it': ['token_issuer', f => f.ours({}, { iss: 'http://localhost:3000\n' })],
  'iss as a list': ['token_issuer', f => f.ours({}, { iss: ['http://localhost:3000'] })],
  'iss left out': ['token_issuer', f => f.ours({}, { iss: undefined })],
  'exp left out': ['token_claim_exp', f => f.ours({}, { exp: undefined })],
  'iat left out': ['token_claim_iat', f => f.ours({}, { iat: undefined })],
  'sub left out': ['token_claim_sub', f => f.ours({}, { sub: undefined })],
  'sub empty': ['token_claim_sub', f => f.ours({}, { sub: '' })],
  'sub as a number': ['token_claim_sub', f => f.ours({}, { sub: 1 })],
  'sub as an object': ['token_claim_sub', f => f.ours({}, { sub: { $ne: null } })],
  'sid left out': ['token_claim_sid', f => f.ours({}, { sid: undefined })],
  'sid without a version': ['token_claim_sid', f => f.ours({}, { sid: String(f.claims.sid).split('.')[0] })],
  'sid with a negative version': [
    'token_claim_sid',
    f => f.ours({}, { sid: String(f.claims.sid).replace(/\d+$/, '-1') }),
  ],
  'sid with a version that is none': [
    'token_claim_sid',
    f => f.ours({}, { sid: String(f.claims.sid).replace(/\d+$/, 'NaN') }),
  ],
  'jti left out': ['token_claim_jti', f => f.ours({}, { jti: undefined })],
  'client_id left out': ['token_claim_client_id', f => f.ours({}, { client_id: undefined })],
  'auth_time left out': ['token_claim_auth_time', f => f.ours({}, { auth_time: undefined })],
  'amr as a text': ['token_claim_amr', f => f.ours({}, { amr: 'pwd' })],
  'roles left out': ['token_claim_roles', f => f.ours({}, { roles: undefined })],
  'roles as a text': ['token_claim_roles', f => f.ours({}, { roles: 'admin' })],
  'roles as an object': ['token_claim_roles', f => f.ours({}, { roles: { admin: true } })],
  'sid with a version too long': ['token_claim_sid', f => f.ours({}, { sid: `${f.claims.sid}0000000000` })],
  'sid with a line break behind it': ['token_claim_sid', f => f.ours({}, { sid: `${f.claims.sid}\n` })],
  'scope beside roles, as narrower tokens have it': [
    'token_claim_unknown',
    f => f.ours({}, { scope: 'users:read' }),
  ],
  'cnf that binds it to a key which nobody has shown': [
    'token_claim_unknown',
    f => f.ours({}, { cnf: { jkt: 'AAAA' } }),
  ],
  'act that says somebody else sends it': ['token_claim_unknown', f => f.ours({}, { act: { sub: 'x' } })],
  'permissions of its own': ['token_claim_unknown', f => f.ours({}, { permissions: ['users:write'] })],
  'roles within a list': ['token_claim_roles', f => f.ours({}, { roles: [['admin']] })],
}

/** How a number may be written that is none, or that another reader takes for another. */
const numbers: Readonly<Record<string, readonly [text: string, reason: string]>> = {
  'a text': ['"1795780000"', 'form'],
  'a text that is a date': ['"2099-01-01"', 'form'],
  'an empty text': ['""', 'form'],
  null: ['null', 'form'],
  true: ['true', 'form'],
  'a list': ['[1795780000]', 'form'],
  'an object': ['{}', 'form'],
  'a fraction': ['1795780000.5', 'form'],
  'a negative number': ['-1', 'form'],
  'so large that it is not exact in milliseconds': ['9007199254740991', 'form'],
  'so large that it is not exact (2^53 + 1)': ['9007199254740993', 'token_json_number'],
  'as large as a number of 64 bits': ['18446744073709551615', 'token_json_number'],
  'infinite (1e400)': ['1e400', 'token_json_number'],
  'beyond all times (9e99)': ['9e99', 'token_json_number'],
  'so small that it is nothing (1e-400)': ['1e-400', 'token_spelling'],
  '-0': ['-0', 'token_spelling'],
  'with an exponent': ['1.79578e9', 'token_spelling'],
  'with a fraction of nothing': ['1795780000.0', 'token_spelling'],
  NaN: ['NaN', 'token_json_syntax'],
  Infinity: ['Infinity', 'token_json_syntax'],
  'with a plus': ['+1795780000', 'token_json_syntax'],
  'with a leading zero': ['01795780000', 'token_json_syntax'],
  'in hexadecimal': ['0x6B098A20', 'token_json_syntax'],
  'with separators': ['1_795_780_000', 'token_json_syntax'],
  'of any size (1n)': ['1795780000n', 'token_json_syntax'],
}

/** The claims as a text in which one value is written as nobody's encoder would. */
const changedText = ({ claims }: Forger, name: string, value: string): string =>
  JSON.stringify({ ...claims, [name]: '@' }).replace('"@"', value)

const numberGames: Readonly<Record<string, Attack>> = Object.fromEntries(
  ['exp', 'nbf', 'iat', 'auth_time'].flatMap(name =>
    Object.entries(numbers).map(([what, [text, reason]]): readonly [string, Attack] => {
      const ofForm = name === 'nbf' ? 'token_claim_unknown' : `token_claim_${name}`
      const told = reason === 'form' ? ofForm : reason
      return [`${name}, ${what},`, [told, f => f.oursExactly(f.header, changedText(f, name, text))]]
    }),
  ),
)

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

const texts: Readonly<Record<string, Attack>> = {
  'nbf, which we never write, in the past': ['token_claim_unknown', f => f.ours({}, { nbf: 0 })],
  'a member that stands twice further down': [
    'token_json_duplicate_name',
    f => f.oursExactly(f.header, JSON.stringify(f.claims).replace('{', '{"cnf":{"jkt":"a","jkt":"b"},')),
  ],
  'constructor among the claims': [
    'token_json_forbidden_name',
    f => f.oursExactly(f.header, JSON.stringify(f.claims).replace('{', '{"constructor":{},')),
  ],
  'claims with something behind them': [
    'token_json_syntax',
    f => f.oursExactly(f.header, `${JSON.stringify(f.claims)}{}`),
  ],
  'claims with a blank behind them': [
    'token_spelling',
    f => f.oursExactly(f.header, `${JSON.stringify(f.claims)} `),
  ],
  'claims with line breaks': [
    'token_spelling',
    f => f.oursExactly(f.header, JSON.stringify(f.claims, null, 2)),
  ],
  'claims with a comment': [
    'token_json_syntax',
    f => f.oursExactly(f.header, `/* */${JSON.stringify(f.claims)}`),
  ],
  'claims with NUL behind them': [
    'token_json_syntax',
    f => f.oursExactly(f.header, `${JSON.stringify(f.claims)}\0`),
  ],
  'claims as deep as a stack': [
    'token_json_depth',
    f => f.oursExactly(f.header, changedText(f, 'roles', nested(1_500))),
  ],
  'claims cut off': [
    'token_json_syntax',
    f => f.oursExactly(f.header, JSON.stringify(f.claims).slice(0, -1)),
  ],
  'a role written in escapes': [
    'token_spelling',
    f => f.oursExactly(f.header, changedText(f, 'roles', '["\\u0061dmin"]')),
  ],
  'a claim whose name is written in escapes': [
    'token_spelling',
    f => f.oursExactly(f.header, JSON.stringify(f.claims).replace('"sub"', '"s\\u0075b"')),
  ],
  'half of a surrogate pair': [
    'token_json_text',
    f => f.oursExactly(f.header, changedText(f, 'sub', '"\\ud800"')),
  ],
  'letters in more bytes than they need': [
    'token_json_encoding',
    f => f.oursExactly(f.header, Buffer.from([0x7b, 0xc0, 0xa2, 0x7d])),
  ],
  'a header with a byte order mark': [
    'token_json_syntax',
    f => f.oursExactly(`\ufeff${JSON.stringify(f.header)}`, f.claims),
  ],
  'a header with blanks': ['token_spelling', f => f.oursExactly(JSON.stringify(f.header, null, 1), f.claims)],
  'a header as deep as a stack': [
    'token_json_depth',
    f => f.oursExactly(`{"alg":${nested(1_500)}}`, f.claims),
  ],
  'padding under our own signature': [
    'token_encoding',
    f =>
      f.oursSpelled(
        head => `${head}=`,
        body => body,
      ),
  ],
  'the other alphabet under our own signature': [
    'token_encoding',
    f =>
      f.oursSpelled(
        head => head,
        body => `${body.slice(0, -4)}/+/+`,
      ),
  ],
  'bits that mean nothing under our own signature': [
    'token_encoding',
    f =>
      f.oursSpelled(
        head => head,
        () => 'e31',
      ),
  ],
  'a blank under our own signature': [
    'token_encoding',
    f =>
      f.oursSpelled(
        head => head,
        body => `${body.slice(0, 8)} ${body.slice(8)}`,
      ),
  ],
  'two dots more': ['token_parts', ({ good }) => `${good}..`],
  'two dots in front': ['token_parts', ({ good }) => `..${good}`],
  'a claim that stands twice': [
    'token_json_duplicate_name',
    f => f.oursExactly(f.header, JSON.stringify(f.claims).replace('{', '{"sub":"x",')),
  ],
  'a claim that stands twice, once in escapes': [
    'token_json_duplicate_name',
    f => f.oursExactly(f.header, JSON.stringify(f.claims).replace('{', '{"\\u0073ub":"x",')),
  ],
  'a header member that stands twice': [
    'token_json_duplicate_name',
    f => f.oursExactly(JSON.stringify(f.header).replace('{', '{"alg":"none",'), f.claims),
  ],
  '__proto__ among the claims': [
    'token_json_forbidden_name',
    f => f.oursExactly(f.header, JSON.stringify(f.claims).replace('{', '{"__proto__":{"roles":["admin"]},')),
  ],
  'claims that are a list': ['token_json_object', f => f.oursExactly(f.header, '[]')],
  'claims that are null': ['token_json_object', f => f.oursExactly(f.header, 'null')],
  'claims that are a text': ['token_json_object', f => f.oursExactly(f.header, '"claims"')],
  'claims that are no JSON': ['token_json_syntax', f => f.oursExactly(f.header, 'claims')],
  'claims with a byte order mark': [
    'token_json_syntax',
    f => f.oursExactly(f.header, `\ufeff${JSON.stringify(f.claims)}`),
  ],
  'claims that are not UTF-8': [
    'token_json_syntax',
    f => f.oursExactly(f.header, Buffer.from(JSON.stringify(f.claims), 'utf16le')),
  ],
  'a header that is a list': ['token_json_object', f => f.oursExactly('[]', f.claims)],
  'a header that is no JSON': ['token_json_syntax', f => f.oursExactly('header', f.claims)],
  'no claims': ['token_json_syntax', f => f.oursExactly(f.header, '')],
  'an extra part': ['token_parts', ({ good }) => `${good}.e30`],
  'an extra empty part': ['token_parts', ({ good }) => `${good}.`],
  'five parts, as an encrypted token': ['token_parts', ({ good }) => `${good}.AAAA.AAAA`],
  'a part too few': ['token_parts', ({ good }) => good.split('.').slice(0, 2).join('.')],
  'no signature': ['token_signature', ({ good }) => `${good.split('.').slice(0, 2).join('.')}.`],
  'only dots': ['token_json_syntax', () => '..'],
  'the JSON serialization': [
    'token_parts',
    ({ good }) => {
      const [protectedHeader, payload, signature] = good.split('.')
      return JSON.stringify({ protected: protectedHeader, payload, signature })
    },
  ],
  'base64 with padding': ['token_encoding', ({ good }) => `${good}==`],
  'base64 of the other alphabet': [
    'token_encoding',
    ({ header, good }) =>
      good
        .replace(encode(header), Buffer.from(JSON.stringify(header)).toString('base64'))
        .replace(/..$/, '+/'),
  ],
  'base64 with a space in it': ['token_encoding', ({ good }) => good.replace('.', '. ')],
  'base64 with a line break escaped in it': ['token_encoding', ({ good }) => good.replace('.', '%0a.')],
  'a signature in another spelling of the same bytes': ['token_encoding', ({ good }) => respell(good)],
  'more than 8 KiB': ['token_too_long', f => f.ours({}, { x: 'x'.repeat(8_192) })],
}

export const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The last character of 64 bytes in base64url holds two bits; 15 other characters hold the same two. */
const respell = (token: string): string =>
  token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? '') ^ 1]

export const orderOfP256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export const withSignature = ({ good }: Forger, bytes: Uint8Array): string =>
  [...good.split('.').slice(0, 2), encode(bytes)].join('.')

const signatures: Readonly<Record<string, Attack>> = {
  'a signature of another key': ['token_signature', f => f.theirs()],
  'a signature of another key, with admin among the roles': [
    'token_signature',
    f => f.theirs({}, { roles: ['admin'] }),
  ],
  'a signature of zeros (CVE-2022-21449)': ['token_signature', f => withSignature(f, new Uint8Array(64))],
  'a signature of the order of the curve': [
    'token_signature',
    f => {
      const half = Buffer.from(orderOfP256.toString(16), 'hex')
      return withSignature(f, Buffer.concat([half, half]))
    },
  ],
  'a signature in DER': [
    'token_signature',
    f => {
      const bytes = Buffer.from(f.signature, 'base64url')
      const integer = (part: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), part])
      const parts = Buffer.concat([integer(bytes.subarray(0, 32)), integer(bytes.subarray(32))])
      return withSignature(f, Buffer.concat([Buffer.from([0x30, parts.length]), parts]))
    },
  ],
  'a signature cut off': [
    'token_signature',
    f => withSignature(f, Buffer.from(f.signature, 'base64url').subarray(0, 63)),
  ],
  'a signature with a byte more': [
    'token_signature',
    f => withSignature(f, Buffer.from(`${f.signature}AA`, 'base64url')),
  ],
}

/** Tokens that look like ours, by the threat. */
export const forgeries = [algorithms, keyIds, embedded, kinds, claims, numberGames, texts, signatures]
