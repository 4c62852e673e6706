import { choice, type Kind, knownMistakes, listOf, textLike } from './parse-setting.ts'

/** An HTTP token (RFC 9110 §5.6.2): what a header or an authentication scheme may be called. */
const httpToken = /^[\w!#$%&'*+.^`|~-]{1,64}$/

/** Request headers that already mean something to browsers, proxies or us. Names in lower case. */
const taken: ReadonlySet<string> = new Set([
  ...['accept', 'accept-charset', 'accept-encoding', 'accept-language', 'access-control-request-headers'],
  ...['access-control-request-method', 'cache-control', 'connection', 'content-encoding', 'content-length'],
  ...['content-type', 'cookie', 'date', 'dnt', 'dpop', 'expect', 'forwarded', 'from', 'host'],
  ...['idempotency-key', 'if-match', 'if-modified-since', 'if-none-match', 'if-range'],
  ...['if-unmodified-since', 'keep-alive', 'last-event-id', 'max-forwards', 'origin', 'pragma', 'priority'],
  ...['proxy-authorization', 'proxy-connection', 'range', 'referer', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'user-agent', 'via', 'x-csrf-token', 'x-http-method-override', 'x-real-ip'],
  ...['x-request-id', 'x-requested-with'],
])

/** Whole families: browsers write the first two, proxies the third, our own door the last. */
const takenFamily = /^(sec-|proxy-|x-forwarded-|x-gatewright-)/

/** A header that others write by themselves would be a credential that nobody meant to show. */
const freeHeader = (expects: string, alsoTaken?: string) => {
  const isFree = (text: string): boolean => {
    const name = text.toLowerCase()
    return !taken.has(name) && !takenFamily.test(name) && name !== alsoTaken
  }
  return {
    parse: (text: string) => (httpToken.test(text) && isFree(text) ? text : undefined),
    expects,
    explain: (text: string) =>
      httpToken.test(text)
        ? `browsers, proxies or this server use that header for something else; write ${expects}`
        : `that is no name of one header; write ${expects}`,
  } satisfies Kind<string>
}

export const tokenHeader = freeHeader('a request header that has no other meaning, such as Authorization')
export const apiKeyHeader = freeHeader(
  'a request header that has no other meaning, such as X-API-Key',
  'authorization',
)

/** Browsers answer a challenge of these by a window for a password, and send it with every request then. */
const browserScheme = /^(basic|digest|negotiate|ntlm)$/i

const scheme = textLike(httpToken, 'one word, such as Bearer')

export const tokenScheme = {
  ...scheme,
  parse: (text: string) => (browserScheme.test(text) ? undefined : scheme.parse(text)),
  explain: knownMistakes([browserScheme, 'browsers ask for a password by that word; write Bearer']),
} satisfies Kind<string>

/** What a request may show of who sends it. */
export const credentialKinds = ['bearer', 'cookie', 'api-key'] as const
export type CredentialKind = (typeof credentialKinds)[number]

const kinds = listOf(choice(...credentialKinds))

export const credentials = {
  ...kinds,
  parse: (text: string) => {
    const values = kinds.parse(text)
    return values !== undefined && new Set(values).size === values.length ? values : undefined
  },
  explain: (text: string) =>
    kinds.parse(text) === undefined ? kinds.explain(text) : 'a kind is there twice; write each one once',
} satisfies Kind<readonly CredentialKind[]>
