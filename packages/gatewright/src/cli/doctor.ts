import { styleText } from 'node:util'
import { systemClock } from '../ground/clock.ts'
import { loadSettings } from '../ground/load-settings.ts'
import { systemRandom } from '../ground/random.ts'
import type { CheckedFinding, Examination } from '../upkeep/checks.ts'
import type { Level } from '../upkeep/finding.ts'
import { defineCommand } from './command.ts'
import { printable, toTable } from './table.ts'

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const satisfies Record<Level, string>

/** Colours the level that a line begins with; `styleText` leaves it plain where nobody sees colours. */
const paint = (line: string, level: Level): string =>
  styleText(colours[level], level) + line.slice(level.length)

const toLines = (findings: readonly CheckedFinding[]): readonly string[] => {
  const table = toTable(findings.map(({ level, name, found }) => [level, name, found]))
  return findings.flatMap((finding, at) => [
    paint(table[at] ?? '', finding.level),
    ...(finding.level === 'ok'
      ? []
      : [`         means: ${printable(finding.means)}`, `         do:    ${printable(finding.do)}`]),
  ])
}

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

const summarize = ({ findings, notChecked }: Examination): readonly string[] => {
  const count = (level: Level): number => findings.filter(finding => finding.level === level).length
  return [
    '',
    `${counted(count('problem'), 'problem')}, ${counted(count('warning'), 'warning')}.`,
    ...(notChecked.length === 0
      ? []
      : [`Not checked, because of what stands above: ${notChecked.join(', ')}.`]),
  ]
}

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Checks this installation and says what is wrong, what it means and what to do. Changes nothing.',
  parameters: {},
  options: {},
  example: 'doctor',
  run: async () => {
    const { examine } = await import('../upkeep/checks.ts')
    const examination = await examine({ read: loadSettings, clock: systemClock, random: systemRandom })
    const { findings, notChecked } = examination
    return {
      text: [...toLines(findings), ...summarize(examination)].join('\n'),
      json: { checks: findings, not_checked: notChecked },
      exitCode: findings.some(({ level }) => level === 'problem') ? 1 : 0,
    }
  },
})
