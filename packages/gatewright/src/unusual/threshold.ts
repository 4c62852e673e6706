import type { Settings } from '../ground/settings.ts'
import { type PatternName, patternOf } from './patterns.ts'

export type ThresholdSettings = Pick<Settings, 'limits' | 'limitsScale'>

/** From how many on a pattern is raised; never where nothing is counted. */
export const thresholdOf = ({ limits, limitsScale }: ThresholdSettings, name: PatternName): number => {
  const { threshold, isScaled } = patternOf(name)
  if (!isScaled) return threshold
  return limits === 'off' ? Number.POSITIVE_INFINITY : Math.max(2, Math.round(threshold * limitsScale))
}
