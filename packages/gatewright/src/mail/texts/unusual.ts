/** The patterns of which administrators are told (`unusual/patterns.ts`), in the order of their mail. */
export const digestPatterns = [
  'success-after-failures',
  'one-password-many-users',
  'many-users-one-address',
  'administrator-from-new-network',
  'many-failures',
] as const

export type DigestPattern = (typeof digestPatterns)[number]
