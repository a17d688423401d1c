/** fast-check, whose properties draw from VICINAL_TEST_SEED where it is given. It prints the seed of a failure itself. */
import fc from 'fast-check'

const seed = process.env.VICINAL_TEST_SEED
if (seed) fc.configureGlobal({ seed: Number(seed) })

export { default } from 'fast-check'
