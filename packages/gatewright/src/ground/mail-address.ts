import { isLoopback } from './address.ts'
import { type Kind, knownMistakes } from './parse-setting.ts'

/** A person as a header of a mail names one. */
export type Mailbox = { readonly name: string; readonly address: string }

const word = String.raw`[^\s\p{C}()<>[\]:;@\\,"]+`
const oneAddress = new RegExp(`^(?=.{3,254}$)${word}@${word}$`, 'u')
/** Whether a text is one address and nothing else: no name, no list, no break that would begin another header. */
export const isMailAddress = (text: string): boolean => oneAddress.test(text)

const withName = /^([^\p{C}<>"]{1,100}?)\s*<([^<>]+)>$/u

const parseMailbox = (text: string): Mailbox | undefined => {
  const [, name = '', address = text] = withName.exec(text) ?? []
  return isMailAddress(address) ? { name: name.trim(), address } : undefined
}

const showMailbox = ({ name, address }: Mailbox): string => (name === '' ? address : `${name} <${address}>`)

export const mailbox = {
  parse: parseMailbox,
  expects: 'an address such as no-reply@example.org, or Name <no-reply@example.org>',
  show: showMailbox,
} satisfies Kind<Mailbox> & { readonly show: (value: Mailbox) => string }

/** What an `smtp://` or `smtps://` address says. */
export type SmtpAddress = {
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: string | undefined
  /** `smtps://`: TLS from the first byte. */
  readonly isTls: boolean
  /** On this machine a mail may be handed over without TLS; everywhere else STARTTLS is demanded. */
  readonly isLocal: boolean
}

const form = /^smtps?:\/\/(?:[^\s\0/?#@]*@)?(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?\/?$/

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The port that mail is handed in at (RFC 8314, RFC 6409). */
const defaultPorts = { smtps: 465, smtp: 587 } as const

/** Undefined where it is none, or has more than a server and who we are there. */
export const parseSmtpAddress = (text: string): SmtpAddress | undefined => {
  const url = form.test(text) ? URL.parse(text) : null
  const [user, password] = [decode(url?.username ?? ''), decode(url?.password ?? '')]
  if (url === null || user === undefined || password === undefined) return undefined
  if ((user === '') !== (password === '')) return undefined
  const isTls = url.protocol === 'smtps:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    host,
    port: url.port === '' ? defaultPorts[isTls ? 'smtps' : 'smtp'] : Number(url.port),
    user: user || undefined,
    password: password || undefined,
    isTls,
    isLocal: host.toLowerCase() === 'localhost' || isLoopback(host),
  }
}

const expects = 'smtp://<user>:<password>@<host>:<port>, or smtps://… for TLS from the first byte'

export const smtpUrl = {
  parse: (text: string) => (parseSmtpAddress(text) === undefined ? undefined : text),
  expects,
  explain: knownMistakes(
    [/^smtps?:\/\/[^/]*\/?\?/i, 'write no parameters behind a ?'],
    [/^smtps?:/i, `write ${expects}, with characters such as @ and / in a password percent-encoded`],
  ),
  shown: (text: string) => text.replace(/\/\/[^@/]*@/, '//hidden@'),
} satisfies Kind<string> & { readonly shown: (value: string) => string }
