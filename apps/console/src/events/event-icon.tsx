import type { ComponentType } from 'react'
import {
  ChainIcon,
  DoorInIcon,
  DoorOutIcon,
  KeyIcon,
  NoEntryIcon,
  PageIcon,
  PersonIcon,
  RenewIcon,
  ShieldIcon,
  TicketIcon,
  WarningIcon,
} from '../frame/icons.tsx'
import styles from './event-icon.module.css'

type Look = { readonly Icon: ComponentType; readonly tone: 'plain' | 'good' | 'refused' | 'alarming' }

/** How events look, by the beginning of their names: the first row that fits. */
const looks: readonly (readonly [beginning: string, look: Look])[] = [
  // Its owner knows best, and mostly it is the owner.
  ['unusual.new-device', { Icon: WarningIcon, tone: 'refused' }],
  ['unusual.', { Icon: WarningIcon, tone: 'alarming' }],
  ['refresh-token.', { Icon: WarningIcon, tone: 'alarming' }],
  ['passkey.cloned', { Icon: WarningIcon, tone: 'alarming' }],
  ['user.denied', { Icon: WarningIcon, tone: 'alarming' }],
  ['cut-offs.', { Icon: WarningIcon, tone: 'alarming' }],
  ['sign-in.failed', { Icon: NoEntryIcon, tone: 'refused' }],
  ['second-factor.failed', { Icon: NoEntryIcon, tone: 'refused' }],
  ['credential.refused', { Icon: NoEntryIcon, tone: 'refused' }],
  ['link.refused', { Icon: NoEntryIcon, tone: 'refused' }],
  ['request.', { Icon: NoEntryIcon, tone: 'refused' }],
  ['passkey.', { Icon: ShieldIcon, tone: 'plain' }],
  ['access.refused', { Icon: NoEntryIcon, tone: 'refused' }],
  ['limit.exceeded', { Icon: NoEntryIcon, tone: 'refused' }],
  ['user.disabled', { Icon: NoEntryIcon, tone: 'refused' }],
  ['service.disabled', { Icon: NoEntryIcon, tone: 'refused' }],
  ['issuer.blocked', { Icon: NoEntryIcon, tone: 'refused' }],
  ['session.started', { Icon: DoorInIcon, tone: 'good' }],
  ['session.ended', { Icon: DoorOutIcon, tone: 'plain' }],
  ['session.all-ended', { Icon: DoorOutIcon, tone: 'refused' }],
  ['session.', { Icon: RenewIcon, tone: 'plain' }],
  ['second-factor', { Icon: ShieldIcon, tone: 'plain' }],
  ['recovery-code', { Icon: ShieldIcon, tone: 'plain' }],
  ['known-device.', { Icon: ShieldIcon, tone: 'plain' }],
  ['device.', { Icon: ShieldIcon, tone: 'plain' }],
  ['password.', { Icon: ShieldIcon, tone: 'plain' }],
  ['user.password', { Icon: ShieldIcon, tone: 'plain' }],
  ['api-key.', { Icon: KeyIcon, tone: 'plain' }],
  ['signing-key.', { Icon: KeyIcon, tone: 'plain' }],
  ['secret.', { Icon: KeyIcon, tone: 'plain' }],
  ['audit.', { Icon: ChainIcon, tone: 'plain' }],
  ['access-review.', { Icon: ChainIcon, tone: 'plain' }],
  ['database.', { Icon: ChainIcon, tone: 'plain' }],
  ['role.', { Icon: TicketIcon, tone: 'plain' }],
  ['access.', { Icon: TicketIcon, tone: 'plain' }],
  ['issuer.', { Icon: TicketIcon, tone: 'plain' }],
  ['user.', { Icon: PersonIcon, tone: 'plain' }],
  ['service.', { Icon: PersonIcon, tone: 'plain' }],
  ['invitation.', { Icon: PersonIcon, tone: 'plain' }],
  ['identity.', { Icon: PersonIcon, tone: 'plain' }],
  ['administrator.', { Icon: PersonIcon, tone: 'plain' }],
]

/** What an application records by itself. */
const other: Look = { Icon: PageIcon, tone: 'plain' }

/** What kind of event it is, for whoever skims a list; its sentence says the same to everybody. */
export const EventIcon = ({ event }: { readonly event: string }) => {
  const { Icon, tone } = looks.find(([beginning]) => event.startsWith(beginning))?.[1] ?? other
  return (
    <span className={`${styles.icon} ${styles[tone]}`}>
      <Icon />
    </span>
  )
}
