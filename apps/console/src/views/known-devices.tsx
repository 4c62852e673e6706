import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Changes, type Making, useChanges } from '../administration/changes.tsx'
import type { Forgotten, KnownDevice } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { Section } from '../factors/section.tsx'
import { Loaded } from '../forms/loaded.tsx'
import { nameOfDevice } from '../frame/device-name.ts'
import { Row, RowButton, Rows } from '../frame/rows.tsx'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** Browsers that strangers' failures do not delay; one can be forgotten, and that can be taken back. */
export const KnownDevices = () => {
  const { text } = useTexts()
  const api = useApi()
  const { id } = useUser()
  const changes = useChanges()
  const known = useQuery({ queryKey: ['known-devices', id], queryFn: api.listKnownDevices })
  return (
    <Section title={text('knownTitle')}>
      <Text c="dimmed">{text('knownIntro')}</Text>
      <Changes of={changes} />
      <Loaded query={known}>
        {found => (
          <Rows label={text('knownTitle')} items={found} none={text('knownNone')}>
            {device => <KnownRow key={device.id} device={device} changes={changes} />}
          </Rows>
        )}
      </Loaded>
    </Section>
  )
}

type KnownRowProps = { readonly device: KnownDevice; readonly changes: Making }

const KnownRow = ({ device, changes }: KnownRowProps) => {
  const { text, time } = useTexts()
  const api = useApi()
  const shown = nameOfDevice(device, text)
  const { id, address, created_at: since, last_used_at: used } = device
  const ask = (): void =>
    changes.ask({
      title: text('knownForgetOf', { device: shown }),
      ends: [text('knownForgetEnds'), text('knownForgetKeeps'), text('knownForgetBack')],
      submit: text('knownForget'),
      toChange: () => ({
        run: () => api.forgetDevice(id),
        done: text('knownForgotten', { device: shown }),
        undo: answer => ({
          run: () => api.bringBackDevice(answer as Forgotten),
          done: text('knownBack', { device: shown }),
        }),
      }),
    })
  return (
    <Row
      title={shown}
      lines={[
        ...(address === null ? [] : [address]),
        `${text('lastUsed', { time: time(used) })} · ${text('knownSince', { time: time(since) })}`,
      ]}
    >
      <RowButton label={text('knownForgetOf', { device: shown })} onClick={ask}>
        {text('knownForget')}
      </RowButton>
    </Row>
  )
}
