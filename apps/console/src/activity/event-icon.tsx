import { AlertIcon, DeviceIcon, KeyIcon, PersonIcon, ShieldIcon } from '../frame/icons.tsx'
import styles from './activity.module.css'

/** The kinds of events by the beginnings of their names; the first that fits. */
const kinds = [
  {
    begins: /^(unusual|passkey\.cloned|refresh-token|second-factor\.failed|sign-in\.failed)/,
    Icon: AlertIcon,
  },
  { begins: /^(credential|access|limit|request|link)\./, Icon: AlertIcon },
  { begins: /^(session|device|known-device|sign-in)/, Icon: DeviceIcon },
  { begins: /^(api-key|identity|issuer)/, Icon: KeyIcon },
  { begins: /^(second-factor|recovery-code|passkey|password|user\.(password|denied))/, Icon: ShieldIcon },
] as const

/** A picture of what kind of event it is; the sentence beside it says the same. */
export const EventIcon = ({ event }: { readonly event: string }) => {
  const { Icon } = kinds.find(({ begins }) => begins.test(event)) ?? { Icon: PersonIcon }
  return (
    <span className={Icon === AlertIcon ? styles.alert : styles.icon}>
      <Icon />
    </span>
  )
}
