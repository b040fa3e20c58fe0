/** Addresses of the small shop that the HTTP capture is made with, all on one loopback interface. */
export const FRONT_ADDRESS = '10.9.0.1';
export const SERVICE_PORT = 8080;
export const SERVICE_ADDRESSES: Readonly<Record<string, string>> = {
  gateway: '10.9.0.2',
  catalog: '10.9.0.3',
  cart: '10.9.0.4',
  users: '10.9.0.5',
  orders: '10.9.0.6',
  recommendations: '10.9.0.7',
};
export const REDIS_ADDRESS = '10.9.0.13';
export const DNS_ADDRESS = '10.9.0.14';
