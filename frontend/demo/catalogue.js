/** What the shop sells. Prices are minor units: paise and cents. */

/**
 * @typedef {object} Product
 * @property {string} id also the name of its picture
 * @property {string} name
 * @property {string} about
 * @property {Record<string, number>} prices by currency
 */

/** @type {Product[]} */
export const PRODUCTS = [
  {
    id: 'masala',
    name: 'Masala chai',
    about: 'Ginger, clove and a little pepper. 100 g.',
    prices: { INR: 28_000, USD: 499 },
  },
  {
    id: 'assam',
    name: 'Assam breakfast',
    about: 'Malty and brisk, made for milk. 250 g.',
    prices: { INR: 24_000, USD: 449 },
  },
  {
    id: 'darjeeling',
    name: 'Darjeeling first flush',
    about: 'Picked in March, light as the morning. 100 g.',
    prices: { INR: 65_000, USD: 1_250 },
  },
  {
    id: 'nilgiri',
    name: 'Nilgiri green',
    about: 'From the blue hills, soft and grassy. 100 g.',
    prices: { INR: 32_000, USD: 575 },
  },
  {
    id: 'cardamom',
    name: 'Green cardamom',
    about: 'Whole pods from Idukki. 50 g.',
    prices: { INR: 42_000, USD: 725 },
  },
  {
    id: 'saffron',
    name: 'Kashmir saffron',
    about: 'Hand-picked threads. One gram goes far.',
    prices: { INR: 90_000, USD: 1_499 },
  },
  {
    id: 'kulhads',
    name: 'Two kulhads',
    about: 'Clay cups, for chai as at the station.',
    prices: { INR: 18_000, USD: 350 },
  },
  {
    id: 'kettle',
    name: 'Brass kettle',
    about: 'Costs more than most wallets hold: pay it split.',
    prices: { INR: 240_000, USD: 3_800 },
  },
];

export const CURRENCIES = [
  { code: 'INR', name: '₹ rupees' },
  { code: 'USD', name: '$ dollars' },
];
