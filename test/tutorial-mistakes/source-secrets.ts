import { parseSync, Visitor } from 'oxc-parser'

type Finding = { readonly line: number; readonly why: string }
type Node = { readonly type: string; readonly value?: unknown; readonly start: number }

/** What tutorials write where a secret belongs, to be replaced before going live. */
const placeholder =
  /change.?(me|this)|(super|jwt|dev|my|your|some|default|test|app|flask)[-_]?(secret|key|password)|(super|very)[-_ ]secret|secret[-_ ]key|-----BEGIN/i

/** The name of a migration, as `0001-first`. */
const isNumberedName = (text: string): boolean => /^\d{4}(-[a-z]+)+$/.test(text)

/** The name of a cipher suite, as OpenSSL writes it. */
const isCipherSuite = (text: string): boolean => /^(ECDHE-|TLS_)[A-Z0-9_-]+$/.test(text)

/** The name of a setting or of one of its values. */
const isSettingName = (text: string): boolean => /^[A-Z]+\d{0,3}(_[A-Z]+)+$/.test(text)

/** Text that only a machine writes: long, without a blank, letters and digits in no order of words. */
const looksRandom = (text: string): boolean =>
  /^[A-Za-z0-9+/_=-]{20,}$/.test(text) &&
  (text.match(/\d/g) ?? []).length >= 3 &&
  !isNumberedName(text) &&
  !isSettingName(text) &&
  !isCipherSuite(text)

const nameOfSecret = /secret|password|passphrase|pepper|private.?key|api.?key|signing.?key/i
const exactNameOfSecret = /^["']?(secret|secretKey|password|passphrase|pepper|privateKey|apiKey)["']?$/

const isText = (node: Node | null): boolean =>
  node !== null &&
  ((node.type === 'Literal' && typeof node.value === 'string' && node.value !== '') ||
    node.type === 'TemplateLiteral')

/**
 * The texts of a program that could serve as a secret: placeholders, random-looking texts, what stands
 * in for a missing secret (`secret ?? 'dev'`, `(password = 'x') =>`), and fields such as `password: 'x'`.
 */
export const findSecrets = (path: string, text: string): readonly Finding[] => {
  const found: Finding[] = []
  const written = ({ start, end }: { readonly start: number; readonly end: number }): string =>
    text.slice(start, end)
  const report = ({ start }: { readonly start: number }, why: string): void => {
    found.push({ line: text.slice(0, start).split('\n').length, why })
  }
  const look = (node: { readonly start: number }, value: string): void => {
    if (placeholder.test(value)) report(node, 'a placeholder')
    else if (looksRandom(value)) report(node, 'a random text')
  }

  new Visitor({
    Literal: node => {
      if (typeof node.value === 'string') look(node, node.value)
    },
    TemplateElement: node => look(node, node.value.raw),
    LogicalExpression: node => {
      if (node.operator !== '&&' && isText(node.right) && nameOfSecret.test(written(node.left)))
        report(node, 'a text for a missing secret')
    },
    AssignmentPattern: node => {
      if (isText(node.right) && nameOfSecret.test(written(node.left))) report(node, 'a default secret')
    },
    Property: node => {
      if (isText(node.value) && exactNameOfSecret.test(written(node.key))) report(node, 'a field')
    },
    VariableDeclarator: node => {
      if (isText(node.init) && exactNameOfSecret.test(written(node.id))) report(node, 'a variable')
    },
  }).visit(parseSync(path, text).program)
  return found
}
