import { constants } from 'node:os'

/** The conventional exit code of a process that a signal ended. */
export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]
