import { constants } from 'node:os'

/** By convention of whoever a signal has ended. */
export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]
