"""Names to put customers and staff together from, and addresses that can never be anybody's.

Mail goes to the domains that RFC 2606 keeps for examples, telephone numbers come from the ranges that Ofcom keeps for
drama, and the second half of a postcode uses letters that Royal Mail never uses there.
"""

# ruff: noqa: SIM905  names are easier to read and to edit in lines of words

from typing import NamedTuple

FIRST_NAMES = tuple(
    """
    Aaron Abigail Adam Adeel Aisha Alan Alba Albie Alfie Alice Amara Amelia Amina Amy Andrew Angus Anita Anna Anthony
    Arjun Arthur Asha Ava Ayesha Barbara Beatrice Ben Bethany Brenda Bronwen Caitlin Callum Cara Carys Catherine Charlie
    Chloe Clare Colin Conor Craig Daisy Daniel Darren David Deborah Derek Diana Dilan Dominic Donna Dylan Edith Edward
    Eileen Eleanor Elif Elijah Ella Elsie Emily Emma Esme Ethan Eve Farah Fatima Felix Fiona Florence Frank Freya Gareth
    Gemma George Georgia Gillian Glenn Grace Graham Gwen Hamza Hannah Harriet Harry Harvey Hazel Heather Helen Henry
    Hugo Ian Imogen Imran Iris Isaac Isla Ivy Jack Jacob Jade James Janet Jasmine Jason Jay Joan Joanne Joe John Joseph
    Joyce Judith Julia Karen Kate Kavita Keith Kenneth Kieran Kiran Kofi Kwame Laura Layla Leah Leo Lewis Liam Linda
    Logan Lola Louise Lucy Luke Lydia Mabel Maeve Maisie Malik Marcus Margaret Maria Mark Martha Martin Mary Matilda
    Max Meera Megan Michael Mina Mohammed Molly Morgan Naomi Natalie Nathan Neil Nia Niamh Nicola Nigel Noah Nora
    Olive Oliver Olivia Omar Oscar Owen Patricia Paul Pauline Peter Phoebe Poppy Priya Rachel Ravi Rebecca Reuben Rhys
    Riley Rita Robert Robin Rory Rosie Roy Ruby Ruth Ryan Sadia Sally Sam Samir Sandra Sara Sarah Scott Sean Sharon
    Shaun Simon Sofia Sonia Sophie Stella Stephen Steven Stuart Sunita Susan Sylvia Tariq Teresa Thea Theo Thomas Tia
    Tom Tracey Trevor Uma Valerie Vera Victor Violet Vivian Wendy Will Willow Yasmin Yusuf Zachary Zain Zara Zoe
    """.split()
)

LAST_NAMES = tuple(
    """
    Abbott Adeyemi Ahmed Akhtar Ali Allen Anderson Armitage Ashworth Atkins Bailey Baker Barker Barlow Barnes Begum
    Bell Bennett Bhatt Birch Blackwell Booth Bowen Bradley Brennan Briggs Brook Bryant Burgess Burton Butler Byrne
    Cadman Campbell Carr Carter Chambers Chan Chapman Chaudhry Clarke Clayton Coates Coleman Collins Cooke Cooper Craven
    Crossley Dale Daly Davies Dawson Dean Desai Dixon Dobson Drake Driscoll Duffy Dunn Eastwood Eccles Edwards Ellis
    Evans Farrell Fenwick Field Finch Fisher Fletcher Flynn Foster Fraser Fry Garner Gibson Gill Goddard Goodwin Gould
    Grant Gray Greaves Green Gupta Haigh Hale Hall Hammond Hardy Harper Hart Hayes Heaton Hewitt Higgins Hill Hirst
    Hobbs Hodgson Holden Holt Hope Horton Howarth Hughes Hunt Hussain Hutton Iqbal Ingham Jackson James Jarvis Jenkins
    Johnson Jones Joyce Kapoor Kaur Keane Kemp Kendall Khan King Kirby Knight Lacey Lamb Lane Lawson Leach Lee Leigh
    Lister Lloyd Lomax Long Lowe Lynch Malik Mann Marsden Marsh Mason Matthews Mbeki McCabe McKay Mehta Mercer Miah
    Mills Mistry Moran Morgan Morley Morris Moss Murphy Nash Naylor Nelson Newton Nolan North Norris Nuttall Oakley
    Okafor Oldfield Osei Owens Palmer Parekh Park Parkin Parry Patel Payne Pearce Pearson Perkins Perry Phillips Pike
    Pitt Platt Pollard Porter Powell Preston Price Quinn Rahman Ramsay Rao Read Reeves Reid Rhodes Riley Rix Robson
    Rowe Rowley Roy Ryan Sandhu Saunders Scholes Shah Sharp Shaw Sheikh Short Simpson Singh Slater Smith Stead Stone
    Storey Sutton Swift Sykes Tate Taylor Thorne Thornton Todd Townsend Tran Tucker Turner Uddin Vance Varley Vaughan
    Wade Walker Walsh Ward Watts Webb West Whalley Wheeler White Whitfield Wilkes Williams Wilson Wood Wright Yates York
    """.split()
)

MAIL_DOMAINS = ("mail.example.com", "post.example.org", "home.example.net", "inbox.example.com")
STAFF_DOMAIN = "brackenby.example.com"
NEVER_IN_POSTCODES = "CIKMOV"


class Area(NamedTuple):
    """A part of the country as carriers and reports name it, with towns and the letters their postcodes begin with."""

    name: str
    region: str
    share: float  # of customers
    towns: tuple[tuple[str, str], ...]


AREAS = (
    Area("North West", "North", 0.27, (
        ("Manchester", "M"), ("Liverpool", "L"), ("Preston", "PR"), ("Bolton", "BL"), ("Chester", "CH"),
        ("Stockport", "SK"), ("Lancaster", "LA"), ("Warrington", "WA"))),
    Area("Yorkshire", "North", 0.23, (
        ("Leeds", "LS"), ("Sheffield", "S"), ("York", "YO"), ("Hull", "HU"), ("Bradford", "BD"),
        ("Huddersfield", "HD"), ("Harrogate", "HG"), ("Halifax", "HX"))),
    Area("Midlands", "South", 0.22, (
        ("Birmingham", "B"), ("Nottingham", "NG"), ("Leicester", "LE"), ("Coventry", "CV"), ("Derby", "DE"),
        ("Stoke-on-Trent", "ST"), ("Worcester", "WR"), ("Northampton", "NN"))),
    Area("South East", "South", 0.28, (
        ("London", "SE"), ("Croydon", "CR"), ("Reading", "RG"), ("Brighton", "BN"), ("Guildford", "GU"),
        ("Oxford", "OX"), ("Maidstone", "ME"), ("Southampton", "SO"))),
)  # fmt: skip
