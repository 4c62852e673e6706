/** Every feature that a page could ask of a browser, switched off. */
const features = [
  'accelerometer',
  'autoplay',
  'camera',
  'clipboard-read',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'hid',
  'identity-credentials-get',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'usb',
  'xr-spatial-tracking',
]

const passkeyFeatures = ['publickey-credentials-create', 'publickey-credentials-get']

/** @param own those that the page itself may use, and no page inside it */
const permissionsPolicy = (own: readonly string[] = []): string =>
  features.map(feature => `${feature}=(${own.includes(feature) ? 'self' : ''})`).join(', ')

/** For pages that sign in with passkeys and add them: everything else stays off. */
export const passkeyPagePermissions = permissionsPolicy(passkeyFeatures)

export type HeaderTable = Readonly<Record<string, string>>

/**
 * The headers of every answer, errors included: one frozen table, written in one call, because the
 * usual plugins cost half of the throughput.
 */
export const securityHeaders = (publicUrl: string): HeaderTable =>
  Object.freeze({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': permissionsPolicy(),
    ...(publicUrl.startsWith('https:') && {
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
    }),
  })

/** The policy of a page of ours: own scripts and styles, no inline code, calls to this origin only. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
