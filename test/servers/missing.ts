/**
 * Why a test is skipped: a program is not there. `TEST_PROGRAMS=required` says that every program is installed, as in the
 * workflows: then it is a failure, or a test that is skipped each time would look like one that passes.
 */
export const toMissing = (reason: string): string => {
  const asked = process.env.TEST_PROGRAMS ?? ''
  if (asked === 'required') throw new Error(`TEST_PROGRAMS=required, and ${reason}`)
  if (asked !== '') throw new Error('TEST_PROGRAMS: write required, or nothing')
  return reason
}
