import type { PoolOptions } from '../../src/options/options.js';
import type { Seeded } from './seeded.js';

/**
 * Some of the thresholds of a pool, in the order that the README asks for: MinServer <= StartServer <= MaxServer,
 * MinSpareServer <= MaxSpareServer, the master's heartbeat shorter than the expiry, a worker's at most half of it. What is left out has its default.
 */
export function randomThresholds(random: Seeded): PoolOptions {
  const most = random.int(1, 24);
  const least = random.int(1, most);
  const spare = random.int(0, Math.min(most, 20));
  const heartbeat = random.magnitude(0.2, 20);
  const given: PoolOptions = {
    MaxServer: most,
    MinServer: least,
    StartServer: random.int(least, most),
    MinSpareServer: spare,
    MaxSpareServer: random.int(spare, 20),
    MasterHeartBeatTime: heartbeat,
    ServerHeartBeatTime: heartbeat * random.between(0.1, 1.5),
    MaxServerExpireTime: heartbeat * random.between(3, 10),
    GraceExpireTime: random.chance(0.2) ? 0 : random.magnitude(0.5, 50),
    MaxServerSpareTime: random.chance(0.5) ? 0 : random.magnitude(1, 100),
    MaxServerLifeTime: random.chance(0.5) ? 0 : random.magnitude(30, 500),
  };
  // Options that limit each other are left out from the loose end, so that what remains is in order whatever the default.
  if (random.chance(0.2)) return { MaxServer: most };
  if (random.chance(0.2)) delete given.StartServer;
  if (random.chance(0.2)) delete given.MaxSpareServer;
  if (random.chance(0.2)) delete given.ServerHeartBeatTime;
  if (random.chance(0.2)) delete given.GraceExpireTime;
  return given;
}
