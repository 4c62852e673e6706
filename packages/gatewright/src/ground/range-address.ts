import { isLoopback } from './address.ts'
import { type Kind, knownMistakes } from './parse-setting.ts'

const isHere = (hostname: string): boolean =>
  hostname === 'localhost' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))

const isRangeAddress = (text: string): boolean => {
  const url = /^https?:\/\/[^\s@?#]+\/$/.test(text) ? URL.parse(text) : null
  return url !== null && url.href === text && (url.protocol === 'https:' || isHere(url.hostname))
}

/** A base to which the first characters of a hash are added. Over plain HTTP others on the way would learn them. */
export const rangeAddress = {
  parse: (text: string) => (isRangeAddress(text) ? text : undefined),
  expects: 'an https:// address that ends with a slash (http:// on this machine only)',
  explain: knownMistakes(
    [
      /^http:/i,
      'write https://, as everybody on the way could read what is asked; http:// on this machine only',
    ],
    [/[^/]$/, 'write it with the slash at the end, to which the first characters of a hash are added'],
    [/[@?#]/, 'write it without user, query or fragment'],
  ),
} satisfies Kind<string>
