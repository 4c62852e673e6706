import { isAbsolute } from 'node:path'
import { isMailAddress } from './mail-address.ts'
import { type Kind, knownMistakes } from './parse-setting.ts'

/** Where checkpoints of the audit log go, beside the log. */
export type AuditAnchor =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'https'; readonly url: string }
  | { readonly kind: 'mailto'; readonly address: string }

const parseFile = (path: string): AuditAnchor | undefined =>
  isAbsolute(path) && !path.includes('\0') ? { kind: 'file', path } : undefined

const parseUrl = (text: string): AuditAnchor | undefined => {
  const url = /^https:\/\/[^\s@#]+$/.test(text) ? URL.parse(text) : null
  return url === null ? undefined : { kind: 'https', url: url.href }
}

const parseAnchor = (text: string): AuditAnchor | undefined => {
  const [, scheme, rest = ''] = /^(file|mailto):(.+)$/.exec(text) ?? []
  if (scheme === 'file') return parseFile(rest)
  if (scheme === 'mailto')
    return isMailAddress(rest) && !rest.includes('?') ? { kind: 'mailto', address: rest } : undefined
  return parseUrl(text)
}

const showAnchor = (anchor: AuditAnchor): string => {
  if (anchor.kind === 'https') return anchor.url
  return anchor.kind === 'file' ? `file:${anchor.path}` : `mailto:${anchor.address}`
}

/** The address of a webhook may be a secret by itself. */
const hidden = { file: 'file:hidden', https: 'https://hidden', mailto: 'mailto:hidden' } as const

/** `file:/var/log/checkpoints.jsonl`, `https://log.example.org/checkpoints`, `mailto:audit@example.org` */
export const auditAnchor = {
  parse: parseAnchor,
  expects: 'file:<absolute path>, https://… or mailto:<address>',
  explain: knownMistakes(
    [/^file:\/\//, 'write file: and the path, with one slash: file:/mnt/elsewhere/checkpoints.jsonl'],
    [
      /^file:/,
      'write an absolute path, on a disk that this server can only add to: file:/mnt/elsewhere/checkpoints.jsonl',
    ],
    [/^http:/, 'write https://: whoever stands on the way could take checkpoints out'],
    [/^https:.*[@#]/, 'write it without a user and without a fragment'],
    [/^mailto:.*[?,]/, 'write one address, without a subject'],
  ),
  show: showAnchor,
  shown: (anchor: AuditAnchor) => hidden[anchor.kind],
} satisfies Kind<AuditAnchor> & { readonly shown: (anchor: AuditAnchor) => string }
