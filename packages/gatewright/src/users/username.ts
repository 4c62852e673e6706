// STUB by the lead, to be overwritten by the helper that owns this file.
declare const brand: unique symbol
export type UsernameKey = string & { readonly [brand]: true }
export const usernameKey = (text: string): UsernameKey => text.normalize('NFKC').toUpperCase().toLowerCase() as UsernameKey
export const parseUsername = (text: string, _options: { reserved: 'refuse' | 'allow' }): { ok: true; username: string; key: UsernameKey } | { ok: false; problem: string } =>
  text.length > 1 ? { ok: true, username: text, key: usernameKey(text) } : { ok: false, problem: 'x' }
