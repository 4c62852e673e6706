import { Badge, Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import styles from '../../administration/tile.module.css'
import { Tile } from '../../administration/tile.tsx'
import type { Health } from '../../api/installation-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Loaded } from '../../forms/loaded.tsx'
import { Row, Rows } from '../../frame/rows.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** How the server and the processes beside it are, at a glance. */
export const HealthNow = () => {
  const { text, time } = useTexts()
  const { admin } = useApi()
  const health = useQuery({ queryKey: ['health'], queryFn: admin.findHealth })
  return (
    <Loaded query={health}>
      {found => (
        <>
          <Tiles health={found} />
          {found.findings.length > 0 && <Findings findings={found.findings} />}
          <Section title={text('processes')}>
            <Rows label={text('processes')} items={found.processes} none={text('noneOfThem')}>
              {process => (
                <Row
                  key={`${process.host} ${process.kind} ${process.started_at}`}
                  title={`${process.kind} · ${process.host}`}
                  lines={[
                    process.version,
                    text('processSeen', { time: time(process.seen_at) }),
                    ...(process.address_trouble === null ? [] : [process.address_trouble]),
                  ]}
                />
              )}
            </Rows>
          </Section>
          <Section title={text('housekeeping')}>
            <Rows label={text('housekeeping')} items={found.housekeeping} none={text('noneOfThem')}>
              {({ task, succeeded_at: at }) => (
                <Row
                  key={task}
                  title={<span lang="en">{task}</span>}
                  lines={[at === null ? text('never') : time(at)]}
                />
              )}
            </Rows>
          </Section>
          <div>
            <Button variant="default" loading={health.isFetching} onClick={() => health.refetch()}>
              {text('lookAgain')}
            </Button>
          </div>
        </>
      )}
    </Loaded>
  )
}

/** What the doctor says stays in English, as its command prints it. */
const Findings = ({ findings }: Pick<Health, 'findings'>) => {
  const { text } = useTexts()
  return (
    <Section title={text('healthFindings')}>
      <div lang="en">
        <Rows label={text('healthFindings')} items={findings} none="">
          {({ check, level, found, means, do: mend }) => (
            <Row
              key={check}
              title={check}
              badges={
                <Badge variant="light" color={level === 'problem' ? 'red' : 'yellow'}>
                  {level}
                </Badge>
              }
              lines={[found, means, mend].filter(line => line !== null)}
            />
          )}
        </Rows>
      </div>
    </Section>
  )
}

const Tiles = ({ health }: { readonly health: Health }) => {
  const { text } = useTexts()
  const { ready, reasons, warnings, processes, mail, feed } = health
  const silent = processes.filter(process => process.silent).length
  return (
    <ul className={styles.tiles}>
      <Tile
        isGood={ready}
        title={text(ready ? 'healthReady' : 'healthNotReady')}
        detail={<span lang="en">{[...reasons, ...warnings].join('; ')}</span>}
      />
      <Tile isGood={warnings.length === 0} title={text('healthWarnings', { count: warnings.length })} />
      <Tile
        isGood={silent === 0}
        title={text('healthProcesses', { count: processes.length })}
        detail={silent > 0 && text('healthSilent', { count: silent })}
      />
      <Tile
        isGood={feed.age_ms !== null && feed.age_ms <= feed.most_ms}
        title={
          feed.age_ms === null
            ? text('healthFeedNever')
            : text('healthFeed', { seconds: (feed.age_ms / 1_000).toFixed(1) })
        }
      />
      <Tile
        isGood={mail.given_up === 0}
        title={text('healthMail', { count: mail.waiting })}
        detail={mail.given_up > 0 && text('healthGivenUp', { count: mail.given_up })}
      />
    </ul>
  )
}
