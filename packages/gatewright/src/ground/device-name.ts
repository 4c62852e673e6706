/** What a device says of itself, as people call it. */
export type DeviceName = {
  /** The browser or other program, such as `Firefox` or `curl`; null where it says none. */
  readonly program: string | null
  /** The operating system, such as `Android`. */
  readonly system: string | null
  /** Both in one text, in English. */
  readonly text: string
}

/** With the first list of devices: a server starts without. */
const loadParser = async () => {
  const { parse, BROWSER_MAP, OS_MAP } = (await import('bowser')).default
  const programs: ReadonlySet<string> = new Set(Object.values(BROWSER_MAP))
  const systems: ReadonlySet<string> = new Set(Object.values(OS_MAP))
  return { parse, programs, systems }
}

let parser: ReturnType<typeof loadParser> | undefined

/** What stands first in a User-Agent names a program that is no browser: `curl/8.14.1`. */
const product = /^(?!Mozilla\b)[a-z][\w.-]{0,29}(?=[/ ]|$)/i

const findProduct = (userAgent: string): string | null => product.exec(userAgent)?.[0] ?? null

const toText = (program: string | null, system: string | null): string => {
  if (system === null) return program ?? 'Unknown device'
  return `${program ?? 'Unknown program'} on ${system}`
}

/**
 * The name of a device by its User-Agent, for the list of devices only: whoever signs in can write anything
 * there. Whatever it is, the name is a known one, or letters, digits, dots and dashes, 30 at most.
 *
 *     (await toDeviceName('Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/145.0')).text // 'Firefox on Linux'
 */
export const toDeviceName = async (userAgent: string): Promise<DeviceName> => {
  if (userAgent === '') return { program: null, system: null, text: toText(null, null) }
  parser ??= loadParser()
  const { parse, programs, systems } = await parser
  const { browser, os } = parse(userAgent)
  const program = browser.name && programs.has(browser.name) ? browser.name : findProduct(userAgent)
  const system = os.name && systems.has(os.name) ? os.name : null
  return { program, system, text: toText(program, system) }
}
