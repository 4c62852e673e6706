const sortMembers = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

/**
 * One text for one JSON value, however its members were ordered: for comparing and hashing.
 *
 *     canonicalJson({ b: 1, a: [2] }) // '{"a":[2],"b":1}'
 */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, sortMembers)
