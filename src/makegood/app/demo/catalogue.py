"""What the demo retailer is made of: places, vendors, products. All names are our own."""

from typing import NamedTuple

RETAILER = "Brackenby Home & Electric"

ELECTRONICS, APPLIANCES, HOMEWARE = "Electronics", "Appliances", "Homeware"


class PlaceRow(NamedTuple):
    ref: str
    kind: str
    name: str
    parent_ref: str
    city: str
    state: str


class VendorRow(NamedTuple):
    ref: str
    kind: str
    name: str
    city: str
    state: str


class ProductRow(NamedTuple):
    ref: str
    name: str
    category: str
    manufacturer_ref: str
    pence: int
    warranty_months: int
    popularity: float
    seller_ref: str  # of a marketplace seller; empty: our own stock


# district | region | name | stores, each with its city
_DISTRICTS = """
D-NW|R-NORTH|North West|Manchester Arndale Row, Manchester; Liverpool Dockside, Liverpool; Preston Fishergate, Preston;\
 Bolton Middlebrook, Bolton; Chester Eastgate, Chester; Stockport Merseyway, Stockport
D-YK|R-NORTH|Yorkshire|Leeds Briggate, Leeds; Sheffield Riverside, Sheffield; York Clifton Gate, York;\
 Hull Paragon, Hull; Huddersfield Kingsgate, Huddersfield; Harrogate Parade, Harrogate
D-MD|R-SOUTH|Midlands|Birmingham Canalside, Birmingham; Nottingham Lace Market, Nottingham;\
 Leicester Highcross Lane, Leicester; Coventry Spire Walk, Coventry; Derby Riverlights, Derby;\
 Northampton Grange, Northampton
D-SE|R-SOUTH|South East|London Surrey Quay, London; Croydon Whitgift Row, Croydon; Reading Forbury, Reading;\
 Brighton Laines, Brighton; Guildford Friary, Guildford; Southampton Westquay Road, Southampton
"""


def _places() -> tuple[PlaceRow, ...]:
    districts = [line.split("|") for line in _DISTRICTS.strip().splitlines()]
    rows = [PlaceRow("R-NORTH", "region", "North", "", "", ""), PlaceRow("R-SOUTH", "region", "South", "", "", "")]
    rows += [PlaceRow(ref, "district", name, region, "", name) for ref, region, name, _ in districts]
    stores = [(ref, name, *store.split(", ")) for ref, _, name, stores in districts for store in stores.split("; ")]
    for number, (district, state, name, city) in enumerate(stores, start=1):
        rows.append(PlaceRow(f"S-{number:02}", "store", name, district, city, state))
    rows.append(PlaceRow("W-DON", "warehouse", "Doncaster warehouse", "", "Doncaster", "Yorkshire"))
    rows.append(PlaceRow("W-SWI", "warehouse", "Swindon warehouse", "", "Swindon", "South West"))
    return tuple(rows)


PLACES = _places()
STORES = tuple(row for row in PLACES if row.kind == "store")

VENDORS = (
    VendorRow("C-MARL", "carrier", "Marlbeck Parcels", "Swindon", "South West"),
    VendorRow("C-QUIL", "carrier", "Quillon Couriers", "Leeds", "Yorkshire"),
    VendorRow("C-TIDE", "carrier", "Tidepost", "Birmingham", "Midlands"),
    VendorRow("C-HEAV", "carrier", "Heftway Two-Man", "Doncaster", "Yorkshire"),
    VendorRow("M-NORW", "manufacturer", "Norwick", "Leeds", "Yorkshire"),
    VendorRow("M-OSTR", "manufacturer", "Ostrey", "Reading", "South East"),
    VendorRow("M-VELM", "manufacturer", "Velmora", "Coventry", "Midlands"),
    VendorRow("M-BRUN", "manufacturer", "Brunfell", "Bolton", "North West"),
    VendorRow("M-TARN", "manufacturer", "Tarnlight", "Lancaster", "North West"),
    VendorRow("M-CIPH", "manufacturer", "Ciphrane", "London", "South East"),
    VendorRow("M-HOLM", "manufacturer", "Holmcroft", "York", "Yorkshire"),
    VendorRow("M-PELL", "manufacturer", "Pellworth", "Derby", "Midlands"),
    VendorRow("X-FERN", "seller", "Fernhollow Living", "Worcester", "Midlands"),
    VendorRow("X-PIXB", "seller", "Pixelbarn", "Croydon", "South East"),
    VendorRow("X-COBB", "seller", "Cobbleton Goods", "Halifax", "Yorkshire"),
    VendorRow("X-OTTE", "seller", "Otterby Audio", "Brighton", "South East"),
    VendorRow("X-JUNI", "seller", "Juniper Row Trading", "Chester", "North West"),
    VendorRow("M-REPR", "repair_service", "Mendwell Repairs", "Stockport", "North West"),
)
CARRIERS = tuple(row for row in VENDORS if row.kind == "carrier")

# category | manufacturer | seller | name | pounds | warranty in months | popularity
_PRODUCTS = """
Electronics|M-TARN||Tarnlight 43" 4K television|329|24|5
Electronics|M-TARN||Tarnlight 55" 4K television|479|24|6
Electronics|M-TARN||Tarnlight 65" OLED television|1299|60|2
Electronics|M-VELM||Velmora 50" QLED television|549|24|4
Electronics|M-CIPH||Ciphrane Slate 10 tablet|219|12|6
Electronics|M-CIPH||Ciphrane Slate 8 Kids tablet|119|24|5
Electronics|M-CIPH||Ciphrane Book 14 laptop|649|12|5
Electronics|M-CIPH||Ciphrane Book 16 Pro laptop|1149|24|2
Electronics|M-CIPH||Ciphrane C5 smartphone 128 GB|279|24|7
Electronics|M-CIPH||Ciphrane C7 smartphone 256 GB|549|24|4
Electronics|M-OSTR||Ostrey over-ear headphones|89|24|8
Electronics|M-OSTR||Ostrey Buds wireless earphones|59|12|11
Electronics|M-OSTR||Ostrey Field portable speaker|49|12|9
Electronics|M-OSTR||Ostrey soundbar 2.1|149|24|5
Electronics|M-OSTR||Ostrey DAB kitchen radio|69|24|5
Electronics|M-TARN||Tarnlight streaming stick|39|12|9
Electronics|M-VELM||Velmora smart plug, pack of 4|34|12|8
Electronics|M-VELM||Velmora video doorbell|109|24|6
Electronics|M-VELM||Velmora mesh Wi-Fi, 3 units|169|24|4
Electronics|M-VELM||Velmora indoor camera|44|12|5
Electronics|M-CIPH||Ciphrane fitness watch|129|12|6
Electronics|M-CIPH||Ciphrane colour inkjet printer|79|12|6
Electronics|M-CIPH||Ciphrane ink cartridges, set of 5|46|0|9
Electronics|M-TARN||Tarnlight HDMI cable 2 m|12|0|11
Electronics|M-CIPH||Ciphrane 65 W USB-C charger|29|12|9
Electronics|M-OSTR|X-OTTE|Ostrey Classic turntable|189|24|3
Electronics|M-OSTR|X-OTTE|Ostrey bookshelf speakers, pair|159|24|3
Electronics|M-CIPH|X-PIXB|Ciphrane refurbished C3 smartphone|139|12|4
Electronics|M-CIPH|X-PIXB|Mirrorless camera starter kit|469|24|2
Electronics|M-VELM|X-PIXB|Retro games console with 2 pads|79|12|5
Appliances|M-NORW||Norwick AirCrisp 5.5 L air fryer|99|24|14
Appliances|M-NORW||Norwick 1.7 L glass kettle|39|24|11
Appliances|M-NORW||Norwick 4-slice toaster|44|24|9
Appliances|M-NORW||Norwick stand mixer 4.8 L|219|36|4
Appliances|M-NORW||Norwick hand blender set|49|24|6
Appliances|M-BRUN||Brunfell 8 kg washing machine|379|24|5
Appliances|M-BRUN||Brunfell 9 kg heat pump dryer|599|24|3
Appliances|M-BRUN||Brunfell slimline dishwasher|349|24|4
Appliances|M-BRUN||Brunfell frost-free fridge freezer|529|24|4
Appliances|M-BRUN||Brunfell under-counter fridge|189|24|3
Appliances|M-BRUN||Brunfell built-in single oven|299|24|3
Appliances|M-VELM||Velmora cordless vacuum V11|249|24|7
Appliances|M-VELM||Velmora robot vacuum|329|24|4
Appliances|M-VELM||Velmora carpet washer|179|24|3
Appliances|M-NORW||Norwick bean-to-cup coffee machine|399|24|4
Appliances|M-NORW||Norwick capsule coffee machine|89|24|7
Appliances|M-BRUN||Brunfell 20 L microwave|89|24|7
Appliances|M-NORW||Norwick slow cooker 3.5 L|34|24|6
Appliances|M-VELM||Velmora steam iron|59|24|7
Appliances|M-VELM||Velmora dehumidifier 12 L|159|24|5
Appliances|M-VELM||Velmora oil-filled radiator 2 kW|69|24|5
Appliances|M-PELL||Pellworth tower fan|49|12|4
Appliances|M-PELL||Pellworth electric blanket, double|42|24|5
Appliances|M-NORW|X-COBB|Waffle maker with 4 plates|54|12|3
Homeware|M-HOLM||Holmcroft 12-piece dinner set|59|0|8
Homeware|M-HOLM||Holmcroft stoneware mugs, set of 6|28|0|10
Homeware|M-HOLM||Holmcroft cast iron casserole 24 cm|79|60|6
Homeware|M-HOLM||Holmcroft non-stick pan set, 3 pieces|64|24|8
Homeware|M-HOLM||Holmcroft knife block, 5 knives|69|60|5
Homeware|M-HOLM||Holmcroft wine glasses, set of 6|24|0|9
Homeware|M-PELL||Pellworth king size duvet 10.5 tog|55|12|7
Homeware|M-PELL||Pellworth memory foam pillow, pair|38|12|8
Homeware|M-PELL||Pellworth cotton bedding set, double|45|0|9
Homeware|M-PELL||Pellworth bath towels, set of 4|32|0|9
Homeware|M-PELL||Pellworth blackout curtains 168 x 183 cm|49|0|6
Homeware|M-PELL||Pellworth wool rug 120 x 170 cm|119|0|4
Homeware|M-HOLM||Holmcroft storage jars, set of 5|26|0|8
Homeware|M-HOLM||Holmcroft pedal bin 40 L|59|24|6
Homeware|M-PELL||Pellworth winged clothes airer|29|12|7
Homeware|M-TARN||Tarnlight arc floor lamp|89|12|5
Homeware|M-TARN||Tarnlight table lamp, brass|42|12|7
Homeware|M-TARN||Tarnlight LED candle set|19|0|8
Homeware|M-PELL|X-FERN|Oak bedside table|99|12|4
Homeware|M-PELL|X-FERN|Bookcase with 5 shelves|129|12|4
Homeware|M-PELL|X-FERN|Velvet armchair, moss green|249|12|3
Homeware|M-PELL|X-FERN|Extending dining table, oak|449|24|2
Homeware|M-HOLM|X-JUNI|Hand-thrown salad bowl|36|0|5
Homeware|M-HOLM|X-JUNI|Linen tablecloth 150 x 250 cm|48|0|4
Homeware|M-PELL|X-JUNI|Willow log basket|54|0|4
Homeware|M-HOLM|X-COBB|Ceramic plant pots, set of 3|33|0|5
"""


def _products() -> tuple[ProductRow, ...]:
    rows = []
    for number, line in enumerate(_PRODUCTS.strip().splitlines(), start=1):
        category, manufacturer, seller, name, pounds, warranty, popularity = line.split("|")
        rows.append(
            ProductRow(f"P-{number:03}", name, category, manufacturer, int(pounds) * 100 - 1, int(warranty),
                       float(popularity), seller)
        )  # fmt: skip
    return tuple(rows)


PRODUCTS = _products()
FAULTY_PRODUCT = next(row for row in PRODUCTS if row.name.startswith("Norwick AirCrisp"))
# Two people carry it; it travels with the carrier for bulky goods.
BULKY_FROM_PENCE = 29_900
