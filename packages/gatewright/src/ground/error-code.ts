/** The code of a system error, such as ENOENT or EADDRINUSE. Throws the error again when it is of another kind. */
export const codeOf = (error: unknown): string => {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}
