import { Badge, Button, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { Device } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { Loaded } from '../forms/loaded.tsx'
import { Done } from '../forms/notice.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { nameOfDevice } from '../frame/device-name.ts'
import { focusHeading } from '../frame/focus.ts'
import { useSessionChanged, useUser } from '../session.ts'
import { useConfirmed } from '../step-up.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './devices.module.css'
import { KnownDevices } from './known-devices.tsx'

/** Ends one device, or all others where none is named. */
const useEndDevices = () => {
  const api = useApi()
  const confirmed = useConfirmed()
  const sessionChanged = useSessionChanged()
  return useMutation({
    mutationFn: (id: string | undefined) =>
      confirmed(() => (id === undefined ? api.endOtherDevices() : api.endDevice(id))),
    onSuccess: async () => {
      await sessionChanged()
      // The button that was pressed is gone.
      focusHeading()
    },
  })
}

const currentFirst = (devices: readonly Device[]) =>
  devices.toSorted((one, other) => Number(other.current) - Number(one.current))

/** Where somebody is signed in. */
export const Devices = () => {
  const { text } = useTexts()
  const api = useApi()
  const { id } = useUser()
  const devices = useQuery({ queryKey: ['devices', id], queryFn: api.listDevices, select: currentFirst })
  const end = useEndDevices()
  const endOthers = (
    <Button variant="light" color="red" loading={end.isPending} onClick={() => end.mutate(undefined)}>
      {text('endOthers')}
    </Button>
  )
  return (
    <>
      <Text c="dimmed">{text('devicesIntro')}</Text>
      <ProblemNotice error={end.error} />
      {end.isSuccess && <Done>{text(end.variables === undefined ? 'othersEnded' : 'deviceEnded')}</Done>}
      <Loaded query={devices}>
        {found => (
          <>
            <DeviceList devices={found} onEnd={end.mutate} isEnding={end.isPending} />
            {found.length > 1 ? <div>{endOthers}</div> : <Text>{text('noOthers')}</Text>}
          </>
        )}
      </Loaded>
      <KnownDevices />
    </>
  )
}

type DeviceListProps = {
  readonly devices: readonly Device[]
  readonly onEnd: (id: string) => void
  readonly isEnding: boolean
}

const DeviceList = ({ devices, onEnd, isEnding }: DeviceListProps) => (
  <ul className={styles.devices}>
    {devices.map(device => (
      <DeviceRow key={device.id} device={device} onEnd={() => onEnd(device.id)} isEnding={isEnding} />
    ))}
  </ul>
)

type DeviceRowProps = { readonly device: Device; readonly onEnd: () => void; readonly isEnding: boolean }

const DeviceRow = ({ device, onEnd, isEnding }: DeviceRowProps) => {
  const { text, time } = useTexts()
  const shown = nameOfDevice(device, text)
  return (
    <li className={styles.device}>
      <div className={styles.about}>
        <span className={styles.name}>{shown}</span>
        <Text size="sm" c="dimmed">
          {device.address}
        </Text>
        <Text size="sm" c="dimmed" className={styles.times}>
          <span>{text('lastUsed', { time: time(device.last_used_at) })}</span>
          <span>{text('signedInAt', { time: time(device.created_at) })}</span>
        </Text>
      </div>
      {device.current ? (
        <Badge variant="light">{text('thisDevice')}</Badge>
      ) : (
        <Button
          variant="default"
          size="xs"
          disabled={isEnding}
          aria-label={text('endDeviceOf', { device: shown, address: device.address })}
          onClick={onEnd}
        >
          {text('endDevice')}
        </Button>
      )}
    </li>
  )
}
