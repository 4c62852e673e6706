/** What is wrong in the list of trusted proxies, as far as requests show it: in one line each. */
export const addressTroubles = {
  'unlisted-proxy': {
    found:
      'every request of the last five minutes came from one address that TRUSTED_PROXIES does not name, with an X-Forwarded-For',
    means: 'It is a proxy, as it seems: all its callers count as one, for limits and in the audit log.',
    do: 'Name its address in TRUSTED_PROXIES: the log has it as `address` of each request.',
  },
  'only-proxies': {
    found: 'most requests of the last five minutes named nobody but trusted proxies',
    means:
      'A proxy does not write X-Forwarded-For, and its callers count as one; or TRUSTED_PROXIES also names clients, who then choose their address.',
    do: 'Let every proxy add the address that it saw to X-Forwarded-For, and name nothing but proxies in TRUSTED_PROXIES.',
  },
  'one-address': {
    found: 'every request of the last five minutes came from one address, although TRUSTED_PROXIES is set',
    means: 'There is one caller only; or a proxy further out is not named, and all its callers count as one.',
    do: 'If callers are several, name that proxy in TRUSTED_PROXIES as well: the log has its address as `address` of each request.',
  },
} as const satisfies Readonly<Record<string, { found: string; means: string; do: string }>>

export type AddressTrouble = keyof typeof addressTroubles

export const isAddressTrouble = (name: string): name is AddressTrouble => Object.hasOwn(addressTroubles, name)
