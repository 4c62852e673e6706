type Named = readonly (readonly [name: string, pattern: RegExp])[]

/** In this order: each of them also says that it is one of those below. */
const browsers: Named = [
  ['Edge', /\bEdgA?\//],
  ['Opera', /\bOPR\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chromium', /\b(Headless)?Chrom(e|ium)\/|\bCriOS\//],
  ['Safari', /\bSafari\//],
]

const systems: Named = [
  ['iPadOS', /\biPad\b/],
  ['iOS', /\biPhone\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
]

const find = (names: Named, agent: string): string | undefined =>
  names.find(([, pattern]) => pattern.test(agent))?.[0]

/**
 * What people call a device, from what it says of itself; that text, cut, where it is no browser.
 *
 *     toDeviceName('curl/8.14.1') // 'curl/8.14.1'
 */
export const toDeviceName = (
  agent: string,
): string | { readonly browser: string; readonly system: string } => {
  const browser = find(browsers, agent)
  const system = find(systems, agent)
  return browser !== undefined && system !== undefined ? { browser, system } : agent.slice(0, 60)
}
