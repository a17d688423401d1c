/** What stands around each page: navigation, the key, and the page of the place. */
import { useEffect, useState } from 'preact/hooks'
import { ApiPage } from './pages/api'
import { BringPage } from './pages/bring'
import { CollectionPage } from './pages/collection'
import { OverviewPage } from './pages/overview'
import { PointsPage } from './pages/points'
import { QualityPage } from './pages/quality'
import { QuarantinePage } from './pages/quarantine'
import { QueryPage } from './pages/query'
import { RecallPage } from './pages/recall'
import { KeyDialog } from './parts/key-dialog'
import { later } from './parts/later'
import { linkTo, type Place, usePlace } from './parts/place'
import { askRights, type Rights, RightsOfTab, useMay } from './service/rights'
import { keyOfTab, onKeyAsked } from './service/session'

const MapPage = later(async () => (await import('./pages/map')).MapPage)

export function Shell() {
  const place = usePlace()
  const [asksKey, setAsksKey] = useState(false)
  const [session, setSession] = useState(0)
  useEffect(() => onKeyAsked(() => setAsksKey(true)), [])
  const [rights, setRights] = useState<Rights | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another key has other rights
  useEffect(() => {
    askRights().then(setRights, () => setRights(null))
  }, [session])
  const keyed = () => {
    setAsksKey(false)
    setSession(session + 1)
  }
  const name = place.path[0] === 'collections' ? place.path[1] : undefined
  return (
    <RightsOfTab.Provider value={rights}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <header class="bar">
        <a class="brand" href={linkTo([])}>
          <img src="./mark.svg" alt="" width="22" height="22" /> Vicinal
        </a>
        {name !== undefined && <CollectionTabs name={name} place={place} />}
        <a class="api" href={linkTo(['api'])} aria-current={place.path[0] === 'api' ? 'page' : undefined}>
          API
        </a>
        <button type="button" class="plain" onClick={() => setAsksKey(true)}>
          {keyOfTab() === null ? 'Key' : 'Key ✓'}
        </button>
      </header>
      <main id="main" tabIndex={-1} key={session}>
        <Page place={place} />
      </main>
      {asksKey && <KeyDialog onDone={keyed} onCancel={() => setAsksKey(false)} />}
    </RightsOfTab.Provider>
  )
}

const TABS = [
  ['', 'Collection'],
  ['points', 'Points'],
  ['query', 'Query'],
  ['recall', 'Recall'],
  ['quality', 'Quality'],
  ['map', 'Map'],
  ['quarantine', 'Quarantine'],
  ['bring', 'Bring data'],
] as const

function CollectionTabs({ name, place }: { name: string; place: Place }) {
  const mayWrite = useMay('points', name)
  return (
    <nav class="tabs" aria-label={`Collection ${name}`}>
      <span class="quiet name">{name}</span>
      {TABS.filter(([tab]) => tab !== 'bring' || mayWrite).map(([tab, text]) => (
        <a
          key={tab}
          href={linkTo(['collections', name, ...(tab ? [tab] : [])])}
          aria-current={(place.path[2] ?? '') === tab ? 'page' : undefined}
        >
          {text}
        </a>
      ))}
    </nav>
  )
}

function Page({ place }: { place: Place }) {
  const [room, name, tab = ''] = place.path
  if (room === undefined) return <OverviewPage />
  if (room === 'api') return <ApiPage asked={place.query.get('route')} />
  if (room === 'collections' && name !== undefined) {
    if (tab === '') return <CollectionPage key={name} name={name} />
    if (tab === 'points') return <PointsPage key={name} name={name} ids={place.query.get('ids')} />
    if (tab === 'map') return <MapPage key={name} name={name} />
    if (tab === 'quarantine') return <QuarantinePage key={name} name={name} />
    if (tab === 'quality') return <QualityPage key={name} name={name} />
    if (tab === 'bring') return <BringPage key={name} name={name} />
    if (tab === 'recall') return <RecallPage key={name} name={name} />
    if (tab === 'query') return <QueryPage key={name} name={name} asked={place.query.get('id')} />
  }
  return (
    <p>
      There is no such page. <a href={linkTo([])}>Back to the overview</a>
    </p>
  )
}
