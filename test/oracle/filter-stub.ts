// Stands in until the oracle of filters is there.
export { matchesFilter } from './fault-filter.js'
