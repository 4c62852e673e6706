/** Distinct tokens in one run of the proof: as many as a process remembers. */
export const ofRun = 10_000
